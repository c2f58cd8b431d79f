from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from idaware.identity import ANONYMOUS, Wanted
from idaware.reasons import Reason
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.lifetimes import state_of
from idaware.session.record import Cut, Session
from idaware.session.sessions import Before, Recent, Sessions
from idaware.settings import Secret, Settings

NOW = 1_800_000_000
MakeSession = Callable[..., Session]
Browser = Callable[..., str]


@pytest.fixture
def header(codec: CookieCodec, session: Session, browser: Browser) -> str:
    return browser(*codec.sign_in_cookies(session, NOW))


def test_a_cookie_names_its_person(sessions: Sessions, header: str, session: Session) -> None:
    reading = sessions.read(header)
    assert reading.session == session
    assert reading.identity.principal == "login/248289761001"
    assert reading.error is None


def test_no_cookie_is_nobody_without_an_error(sessions: Sessions) -> None:
    assert sessions.read("") == sessions.read("theme=dark") == sessions.read("")
    assert sessions.read("").identity is ANONYMOUS
    assert sessions.read("").error is None


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        pytest.param(lambda name, value: f"{name}={value}x", True, id="SA-035 changed"),
        pytest.param(
            lambda name, value: f"{name}={value}; {name}=evil", True, id="SA-019 a second one after it"
        ),
        pytest.param(
            lambda name, value: f"{name}=evil; {name}={value}", True, id="SA-019 a second one before it"
        ),
        pytest.param(lambda name, value: f"{name}={value}; {name}={value}", True, id="twice the same"),
        pytest.param(lambda name, value: f"\u2003{name}={value}", False, id="SA-013 a Unicode blank"),
        pytest.param(lambda name, value: f"={name}={value}", False, id="SA-015 nameless"),
        pytest.param(lambda name, value: f"{name.lower()}={value}", False, id="SA-017 other case"),
        pytest.param(lambda name, value: f"{name}.0={value}", False, id="SA-025 a chunk"),
        pytest.param(lambda name, value: f"{name}=", True, id="empty"),
    ],
)
def test_anything_but_exactly_one_cookie_of_ours_is_nobody(
    spoil: Callable[[str, str], str], error: bool, sessions: Sessions, codec: CookieCodec, session: Session
) -> None:
    reading = sessions.read(spoil(codec.session_name, codec.encode(session)))
    assert reading.session is None
    assert reading.identity is ANONYMOUS
    assert reading.error is (Reason.SESSION_INVALID if error else None)


@pytest.mark.parametrize(
    "form", ["\u2003{}=evil", "={}=evil", "{}.0=evil"], ids=["blank", "nameless", "chunk"]
)
def test_a_foreign_cookie_beside_ours_is_ignored(form: str, sessions: Sessions, header: str) -> None:
    foreign = form.format(sessions.codec.session_name)
    assert sessions.read(f"{foreign}; {header}").session is not None
    assert sessions.read(f"{header}; {foreign}").session is not None


def test_sa_027_the_plain_cookie_alone_counts_beside_chunks(sessions: Sessions, header: str) -> None:
    name = sessions.codec.session_name
    assert sessions.read(f"{header}; {name}.0=a; {name}.1=b").session is not None


def test_a_verified_cookie_is_remembered_and_a_forged_one_is_not(sessions: Sessions, header: str) -> None:
    assert sessions.read(header) is sessions.read(header)
    for number in range(50):
        sessions.read(f"{sessions.codec.session_name}=forged{number}.{'A' * 43}")
    assert len(sessions._read) == len(sessions._verified) == 1


def test_one_cookie_beside_ever_others_is_verified_once(sessions: Sessions, header: str) -> None:
    identity = sessions.read(header).identity
    assert sessions.read(f"visit=1; {header}").identity is identity
    assert len(sessions._verified) == len(sessions._seen) == 1


def test_a_header_full_of_other_cookies_is_read_and_not_remembered(sessions: Sessions, header: str) -> None:
    padded = f"pad={'x' * 5000}; {header}"
    assert sessions.read(padded).session is not None
    assert sessions.read(padded).last_seen == NOW
    assert len(sessions._read) == 0


def test_what_is_remembered_of_a_header_is_that_headers_alone(
    sessions: Sessions, codec: CookieCodec, session: Session, header: str, browser: Browser
) -> None:
    assert sessions.read(header).last_seen == NOW
    later = browser(codec.session_cookie(session, NOW), codec.activity_cookie(session, NOW + 120))
    assert sessions.read(later).last_seen == NOW + 120
    assert sessions.read(browser(codec.session_cookie(session, NOW))).last_seen is None


def test_sa_033_a_session_ends_with_the_secret_that_signed_it(
    settings: Settings, header: str, cut: Cut
) -> None:
    scope = (settings.issuer, settings.client_id, settings.base_url)
    both = KeyRing([Secret("old-" + "pL8wT2r" * 6), *settings.secret_keys], *scope)
    without = KeyRing([Secret("old-" + "pL8wT2r" * 6)], *scope)
    assert Sessions(CookieCodec(both, settings), cut).read(header).session is not None
    assert Sessions(CookieCodec(without, settings), cut).read(header).error is Reason.SESSION_INVALID


def test_a_session_of_another_application_with_the_same_secret_is_nobody(
    make_settings: Callable[..., Settings], cut: Cut, session: Session, sessions: Sessions
) -> None:
    other = make_settings(client_id="payroll")
    ring = KeyRing(other.secret_keys, other.issuer, other.client_id, other.base_url)
    text = CookieCodec(ring, other).encode(session)
    assert sessions.read(f"{sessions.codec.session_name}={text}").error is Reason.SESSION_INVALID


def test_another_policy_reads_the_same_cookie_with_its_own_eyes(
    codec: CookieCodec, header: str, cut: Cut
) -> None:
    narrower = Cut.of(Wanted(groups=frozenset({"sre"})))
    assert Sessions(codec, cut).read(header).identity.kept == cut.wanted
    assert Sessions(codec, narrower).read(header).identity.kept == narrower.wanted


def test_last_seen_comes_from_the_activity_cookie(
    sessions: Sessions, codec: CookieCodec, session: Session, header: str, browser: Browser
) -> None:
    assert sessions.last_seen(header, session) == NOW
    later = browser(codec.session_cookie(session, NOW), codec.activity_cookie(session, NOW + 120))
    assert sessions.last_seen(later, session) == NOW + 120
    assert sessions.last_seen(later, session) == NOW + 120


@pytest.mark.parametrize("spoil", ["", "{name}=forged", "{own}; {own}"], ids=["none", "forged", "two"])
def test_without_one_genuine_activity_cookie_nothing_was_seen(
    spoil: str, sessions: Sessions, codec: CookieCodec, session: Session, browser: Browser
) -> None:
    own = browser(codec.activity_cookie(session, NOW))
    assert sessions.last_seen(spoil.format(name=codec.activity_name, own=own), session) is None


def test_a_late_answer_to_an_older_session_does_not_make_the_new_one_idle(
    sessions: Sessions, codec: CookieCodec, make_session: MakeSession, browser: Browser
) -> None:
    older = make_session(id="o" * 22)
    newer = make_session(renewed=NOW + 100)
    header = browser(codec.session_cookie(newer, NOW + 100), codec.activity_cookie(older, NOW + 130))
    assert sessions.last_seen(header, newer) == NOW + 100


def test_sa_005_a_copied_cookie_passes_no_longer_than_the_promised_bound(
    sessions: Sessions, codec: CookieCodec, session: Session, header: str, browser: Browser
) -> None:
    signed_out = browser(*codec.sign_in_cookies(session, NOW), *codec.sign_out_cookies(NOW + 5))
    assert sessions.read(signed_out).session is None
    copied = sessions.read(header).session
    assert copied is not None
    stale_at = NOW + codec.lifetimes.stale_seconds
    assert state_of(copied, stale_at - 1, stale_at, codec.lifetimes).reason is Reason.SESSION_STALE


def test_activity_of_one_session_does_not_prolong_another(
    sessions: Sessions, codec: CookieCodec, make_session: MakeSession, browser: Browser
) -> None:
    stolen = make_session(id="o" * 22, renewed=NOW - 7200)
    mine = codec.activity_cookie(make_session(), NOW)
    header = browser(codec.session_cookie(stolen, NOW), mine)
    assert sessions.last_seen(header, stolen) == NOW - 7200


def test_before_a_first_sign_in_there_was_nothing(sessions: Sessions) -> None:
    assert sessions.before("", NOW) == Before(None, None, signed_out=False)


def test_a_live_session_goes_on(sessions: Sessions, header: str, session: Session) -> None:
    assert sessions.before(header, NOW) == Before(session, None, False, session.subject)


def test_a_stale_session_goes_on(
    sessions: Sessions, codec: CookieCodec, session: Session, browser: Browser
) -> None:
    later = NOW + 4000
    header = browser(codec.session_cookie(session, NOW), codec.activity_cookie(session, later - 10))
    assert sessions.before(header, later).session == session


def test_an_idle_session_has_ended_and_when(sessions: Sessions, header: str, session: Session) -> None:
    assert sessions.before(header, NOW + 5000) == Before(None, NOW + 3600, False, session.subject)


def test_a_session_at_its_hard_end_has_ended_and_when(
    sessions: Sessions, codec: CookieCodec, session: Session, browser: Browser
) -> None:
    end = session.expires
    header = browser(codec.session_cookie(session, NOW), codec.activity_cookie(session, end - 10))
    assert sessions.before(header, end + 30) == Before(None, end, False, session.subject)


def test_a_session_whose_cookie_the_browser_dropped_has_ended_all_the_same(
    sessions: Sessions, codec: CookieCodec, session: Session, browser: Browser
) -> None:
    header = browser(codec.activity_cookie(session, session.expires - 10))
    assert sessions.before(header, session.expires + 9).ended_at == session.expires
    idle = browser(codec.activity_cookie(session, NOW))
    assert sessions.before(idle, NOW + 3600).ended_at == NOW + 3600
    assert sessions.before(idle, NOW + 3599).ended_at is None


def test_an_activity_cookie_alone_proves_nothing(
    sessions: Sessions, codec: CookieCodec, session: Session, browser: Browser
) -> None:
    header = browser(codec.activity_cookie(session, NOW))
    assert sessions.read(header).session is None
    assert sessions.before(f"{codec.activity_name}=forged", NOW).ended_at is None


def test_a_sign_out_is_remembered(sessions: Sessions, codec: CookieCodec, browser: Browser) -> None:
    header = browser(*codec.sign_out_cookies(NOW))
    assert sessions.before(header, NOW + 5) == Before(None, NOW, signed_out=True)
    assert sessions.before(header, NOW - 5) == Before(None, NOW - 5, signed_out=True), "no clock runs ahead"


def test_a_session_beside_the_mark_of_a_sign_out_goes_on(
    sessions: Sessions, codec: CookieCodec, session: Session, browser: Browser
) -> None:
    _, _, mark = codec.sign_out_cookies(NOW)
    header = browser(codec.session_cookie(session, NOW), codec.activity_cookie(session, NOW), mark)
    assert sessions.before(header, NOW + 5) == Before(session, None, True, session.subject)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300), st.booleans())
def test_any_cookie_header_ends_in_a_reading(sessions: Sessions, text: str, named: bool) -> None:
    header = f"{sessions.codec.session_name}={text}" if named else text
    reading = sessions.read(header)
    assert reading.session is None
    assert sessions.before(header, NOW).session is None


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    cache: Recent[int] = Recent(10)
    cache.put("used", -1)
    for number in range(100):
        cache.put(str(number), number)
        assert cache.get("used") == -1
        assert len(cache) <= 20
    assert cache.get("0") is None
    assert cache.get("99") == 99
