from __future__ import annotations

import base64
import hashlib
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.oidc.login_state import (
    LOGIN_SECONDS,
    MAX_LOGINS,
    MAX_STATES_BYTES,
    LoginState,
    LoginStates,
    subject_digest,
)
from idaware.session.keys import KeyRing
from idaware.settings import Secret, Settings

NOW = 1_800_000_000
NEW, OLD = Secret("new-" + "Zk3vQ9x" * 6), Secret("old-" + "pL8wT2r" * 6)
_numbers = count()


def token(size: int) -> str:
    digest = hashlib.sha256(str(next(_numbers)).encode()).digest()[:size]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def make_settings(**changed: str) -> Settings:
    environ = {
        "issuer": "https://login.corp.example",
        "client_id": "billing-admin",
        "client_secret": "the-secret-of-the-client-3141",
        "secret_keys": NEW.reveal(),
        "base_url": "https://billing.corp.example",
        "allow_groups": "sre",
    } | changed
    return Settings.from_env({f"IDAWARE_{name.upper()}": value for name, value in environ.items()})


SETTINGS = make_settings()
SCOPE = (SETTINGS.issuer, SETTINGS.client_id, SETTINGS.base_url)
RING = KeyRing([NEW], *SCOPE)
STATES = LoginStates(RING, SETTINGS)


class Browser:
    """A cookie jar as far as it matters here: later ones replace, ``Max-Age=0`` deletes."""

    def __init__(self) -> None:
        self.jar: dict[str, str] = {}

    def take(self, set_cookies: tuple[str, ...]) -> None:
        for line in set_cookies:
            name, _, rest = line.partition("=")
            self.jar.pop(name, None)
            if "Max-Age=0" not in line:
                self.jar[name] = rest.partition(";")[0]

    @property
    def header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def start(self, now: float = NOW, states: LoginStates = STATES, **given: object) -> LoginState:
        values: dict[str, object] = {"kind": "login", "next_url": "/", "now": now, "token": token} | given
        login, cookies = states.start(self.header, **values)  # type: ignore[arg-type]  # a table of arguments
        self.take(cookies)
        return login


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_a_login_is_found_again_in_the_browser_that_began_it(browser: Browser) -> None:
    login = browser.start(
        kind="step_up", next_url="/deep?a=b", max_age=60, requirement="abc", subject="s", started=NOW - 9
    )
    assert STATES.find(browser.header, login.state, NOW + 5) == login
    assert (login.next, login.kind, login.max_age, login.requirement) == ("/deep?a=b", "step_up", 60, "abc")


def test_two_tabs_end_at_their_own_targets_in_any_order(browser: Browser) -> None:
    one, two = browser.start(next_url="/one"), browser.start(next_url="/two")
    found = STATES.find(browser.header, two.state, NOW)
    assert found is not None
    assert found.next == "/two"
    browser.take((STATES.drop(two),))
    found = STATES.find(browser.header, one.state, NOW)
    assert found is not None
    assert found.next == "/one"


def test_a_dropped_login_is_not_found(browser: Browser) -> None:
    login = browser.start()
    browser.take((STATES.drop(login),))
    assert STATES.find(browser.header, login.state, NOW) is None


def test_a_login_of_another_browser_is_not_found(browser: Browser) -> None:
    other = Browser()
    login = other.start()
    browser.start()
    assert STATES.find(browser.header, login.state, NOW) is None


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        pytest.param(LOGIN_SECONDS - 1, True, id="within ten minutes"),
        pytest.param(LOGIN_SECONDS, False, id="after ten minutes"),
        pytest.param(-30, True, id="began by a clock that is ahead within the leeway"),
        pytest.param(-31, False, id="from the future"),
    ],
)
def test_a_login_counts_for_ten_minutes(seconds: int, found: bool, browser: Browser) -> None:
    login = browser.start()
    assert (STATES.find(browser.header, login.state, NOW + seconds) is not None) is found


def test_the_whole_state_counts_not_only_what_names_the_cookie(browser: Browser) -> None:
    login = browser.start()
    forged = login.state[:8] + "A" * (len(login.state) - 8)
    assert STATES.find(browser.header, forged, NOW) is None


def test_a_state_that_cannot_be_one_of_ours_is_none_though_its_beginning_is(browser: Browser) -> None:
    login = browser.start()
    assert STATES.find(browser.header, login.state[:8] + "é" * 24, NOW) is None
    assert STATES.find(browser.header, login.state[:8], NOW) is None


def test_a_cookie_under_another_logins_name_is_not_that_login(browser: Browser) -> None:
    mine, other = browser.start(), browser.start()
    name = {login.state: STATES.prefix + login.state[:8] for login in (mine, other)}
    browser.jar[name[mine.state]] = browser.jar[name[other.state]]
    assert STATES.find(browser.header, mine.state, NOW) is None


def test_two_cookies_of_one_name_are_no_login(browser: Browser) -> None:
    login = browser.start()
    assert STATES.find(f"{browser.header}; {browser.header}", login.state, NOW) is None


def test_why_a_state_is_unknown_is_told_to_operators(browser: Browser) -> None:
    login, elsewhere = browser.start(), LoginStates(KeyRing([OLD], *SCOPE), SETTINGS)
    assert "not one that we make" in STATES.why_unknown(browser.header, "")
    assert "no cookie of a sign-in" in STATES.why_unknown("", login.state)
    assert "IDAWARE_SECRET_KEYS" in elsewhere.why_unknown(browser.header, login.state)
    for header, state in ((browser.header, "A" * 32), (f"{browser.header}; {browser.header}", login.state)):
        assert "in the last 10 minutes" in STATES.why_unknown(header, state)


@given(st.text(max_size=80))
def test_any_state_ends_in_none(state: str) -> None:
    browser = Browser()
    browser.start()
    assert STATES.find(browser.header, state, NOW) is None


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param([2, "x" * 24, NOW, "key", "login", "/"], id="newer version"),
        pytest.param([1, "x" * 24, NOW, "key", "other", "/"], id="unknown kind"),
        pytest.param(msgspec.Raw(b"\x92\x01\xa1\x80"), id="text that is not UTF-8"),
    ],
)
def test_a_login_of_another_form_is_none(payload: object) -> None:
    text = RING.seal("login-state").close(msgspec.msgpack.encode(payload))
    assert STATES.find(f"{STATES.prefix}{'x' * 8}={text}", "x" * 24, NOW) is None
    assert STATES.find(f"{STATES.prefix}{'x' * 8}=forged", "x" * 24, NOW) is None


def test_states_are_random_and_nonce_and_verifier_follow_from_them(browser: Browser) -> None:
    one, two = browser.start(), browser.start()
    derived = [STATES.derived(one), STATES.derived(two)]
    values = {one.state, two.state} | {d.nonce for d in derived} | {d.code_verifier for d in derived}
    assert len(values) == 6
    assert len(one.state) == 32
    assert all(len(d.code_verifier) == 43 for d in derived)  # RFC 7636 section 4.1: 43 to 128
    assert STATES.derived(one) == derived[0]


def test_nonce_and_verifier_are_not_in_the_cookie(browser: Browser) -> None:
    derived = STATES.derived(browser.start())
    (value,) = browser.jar.values()
    payload = base64.urlsafe_b64decode(value.rpartition(".")[0] + "==")
    assert derived.nonce.encode() not in payload
    assert derived.code_verifier.encode() not in payload


def test_a_rotation_during_a_login_does_not_break_it(browser: Browser) -> None:
    before = LoginStates(KeyRing([OLD, NEW], *SCOPE), SETTINGS)
    after = LoginStates(KeyRing([NEW, OLD], *SCOPE), SETTINGS)
    login = browser.start(states=before)
    found = after.find(browser.header, login.state, NOW)
    assert found is not None
    assert after.derived(found) == before.derived(login)


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        pytest.param("/" + "x" * 511, True, id="512 bytes"),
        pytest.param("/" + "x" * 512, False, id="513 bytes"),
    ],
)
def test_a_target_beyond_512_bytes_becomes_the_root(target: str, kept: bool, browser: Browser) -> None:
    assert browser.start(next_url=target).next == (target if kept else "/")


def test_the_root_is_that_of_the_base_url(browser: Browser) -> None:
    settings = make_settings(base_url="https://tools.corp.example/billing")
    states = LoginStates(RING, settings)
    assert browser.start(states=states, next_url="/billing/" + "x" * 600).next == "/billing/"


@pytest.mark.parametrize("next_url", ["/", "/" + "x" * 511], ids=["short targets", "long targets"])
def test_sa_023_200_logins_leave_a_bounded_number_and_size_of_cookies(
    next_url: str, browser: Browser
) -> None:
    logins = [browser.start(now=NOW + number, next_url=next_url) for number in range(200)]
    names = [name for name in browser.jar if name.startswith(STATES.prefix)]
    assert len(names) <= MAX_LOGINS
    assert len(browser.header) <= MAX_STATES_BYTES + 2 * MAX_LOGINS
    kept = [login for login in logins if STATES.find(browser.header, login.state, NOW + 200)]
    assert kept == logins[-len(names) :]


def test_eight_tabs_with_ordinary_targets_fit(browser: Browser) -> None:
    logins = [browser.start(next_url="/teams/platform/dashboards?range=7d") for _ in range(MAX_LOGINS)]
    assert all(STATES.find(browser.header, login.state, NOW) for login in logins)


def test_expired_and_foreign_login_cookies_go_first(browser: Browser) -> None:
    expired = browser.start(now=NOW - LOGIN_SECONDS)
    browser.jar[STATES.prefix + "AAAAAAAA"] = "forged"
    live = browser.start(now=NOW)
    assert set(browser.jar) == {STATES.prefix + live.state[:8]}
    assert STATES.prefix + expired.state[:8] not in browser.jar


def test_names_that_we_would_not_make_are_left_alone(browser: Browser) -> None:
    browser.jar = {STATES.prefix + "é" * 8: "x", STATES.prefix + "long-name": "x", STATES.prefix: "x"}
    before = dict(browser.jar)
    login = browser.start()
    assert {**before, STATES.prefix + login.state[:8]: browser.jar[STATES.prefix + login.state[:8]]} == (
        browser.jar
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, {"SameSite=Lax", "Secure", "HttpOnly", "Max-Age=600", "Path=/"}, id="query"),
        pytest.param(
            {"response_mode": "form_post"},
            {"SameSite=None", "Secure", "HttpOnly", "Max-Age=600", "Path=/"},
            id="form_post",
        ),
        pytest.param({"cookie_samesite": "strict"}, {"SameSite=Lax"}, id="strict sessions"),
    ],
)
def test_attributes_of_a_login_cookie(changed: dict[str, str], expected: set[str]) -> None:
    states = LoginStates(RING, make_settings(**changed))
    _, (line,) = states.start("", kind="login", next_url="/", now=NOW, token=token)
    assert expected <= {part.strip() for part in line.split(";")}


# -- who goes on


def test_a_login_knows_whose_session_goes_on(browser: Browser) -> None:
    login = browser.start(subject=subject_digest("alice"), started=NOW)
    assert login.continues("alice")
    assert not login.continues("mallory")
    assert not browser.start().continues("alice")
    assert not browser.start().continues("")


# -- renewal


@pytest.mark.parametrize(
    ("kind", "seconds", "pending"),
    [
        pytest.param("renew", 0, True, id="just begun"),
        pytest.param("renew", 299, True, id="never came back"),
        pytest.param("renew", 300, False, id="after five minutes"),
        pytest.param("login", 0, False, id="an ordinary sign-in"),
    ],
)
def test_a_renewal_that_never_comes_back_is_not_tried_again_for_five_minutes(
    kind: str, seconds: int, pending: bool, browser: Browser
) -> None:
    browser.start(kind=kind)
    assert STATES.renewal_pending(browser.header, NOW + seconds) is pending


def test_a_renewal_that_came_back_is_not_pending(browser: Browser) -> None:
    browser.take((STATES.drop(browser.start(kind="renew")),))
    assert not STATES.renewal_pending(browser.header, NOW)


def test_foreign_cookies_are_no_renewal(browser: Browser) -> None:
    browser.jar[STATES.prefix + "AAAAAAAA"] = "forged"
    assert not STATES.renewal_pending(browser.header, NOW)


def test_after_a_failed_callback_no_renewal_is_begun_for_five_minutes(browser: Browser) -> None:
    browser.take((STATES.note_failure(browser.header, NOW),))
    assert STATES.renewal_pending(browser.header, NOW + 299)
    assert not STATES.renewal_pending(browser.header, NOW + 300)


# -- failures


def test_failures_are_counted_for_a_minute(browser: Browser) -> None:
    assert STATES.failures(browser.header, NOW) == 0
    for number in range(3):
        browser.take((STATES.note_failure(browser.header, NOW + number * 20),))
    assert STATES.failures(browser.header, NOW + 40) == 3
    assert STATES.failures(browser.header, NOW + 60) == 2
    assert STATES.failures(browser.header, NOW + 100) == 0


def test_only_the_last_three_failures_are_kept(browser: Browser) -> None:
    for _ in range(50):
        browser.take((STATES.note_failure(browser.header, NOW),))
    assert STATES.failures(browser.header, NOW) == 3
    assert len(browser.header) < 200


def test_a_success_forgets_failures(browser: Browser) -> None:
    browser.take((STATES.note_failure(browser.header, NOW), STATES.forget_failures()))
    assert browser.jar == {}


def test_failures_add_up_over_replicas_with_different_keys(browser: Browser) -> None:
    other = LoginStates(KeyRing([OLD], *SCOPE), SETTINGS)
    for states in (STATES, other, STATES):
        browser.take((states.note_failure(browser.header, NOW),))
    assert STATES.failures(browser.header, NOW) == other.failures(browser.header, NOW) == 3


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("forged", id="text"),
        pytest.param("-1.+1.1_0. 1.1e3", id="what int() would take"),
        pytest.param("٣", id="digits that are not ASCII"),
        pytest.param("9" * 5000, id="a number of many digits"),
    ],
)
def test_what_is_no_time_is_no_failure(value: str) -> None:
    assert STATES.failures(f"{STATES.failures_name}={value}", NOW) == 0
    assert STATES.failures(f"{STATES.failures_name}=a; {STATES.failures_name}=b", NOW) == 0
