from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec
import pytest

from idaware.errors import ClientError
from idaware.identity import Wanted
from idaware.reasons import Reason
from idaware.session.cookie import MAX_COOKIE_BYTES, REMEMBERED_SECONDS, CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.record import Cut, Session, pack_digests
from idaware.settings import Settings

NOW = 1_800_000_000
MakeSession = Callable[..., Session]
MakeSettings = Callable[..., Settings]
Browser = Callable[..., str]


def attributes(set_cookie: str) -> set[str]:
    return {part.strip() for part in set_cookie.split(";")[1:]}


def codec_for(settings: Settings) -> CookieCodec:
    ring = KeyRing(settings.secret_keys, settings.issuer, settings.client_id, settings.base_url)
    return CookieCodec(ring, settings)


def test_a_session_comes_back_out_of_its_cookie(codec: CookieCodec, session: Session) -> None:
    assert codec.decode(codec.encode(session)) == session


def test_a_value_of_no_session_is_nobody(codec: CookieCodec, session: Session) -> None:
    assert codec.decode("") is None
    assert codec.decode("forged." + "A" * 43) is None
    assert codec.decode(codec.encode_activity(session, NOW)) is None


def test_a_session_of_a_newer_version_is_nobody(codec: CookieCodec, make_session: MakeSession) -> None:
    assert codec.decode(codec.encode(make_session(v=2))) is None


@pytest.mark.parametrize("samesite", ["lax", "strict"])
def test_sa_061_attributes_of_the_cookies(
    samesite: str, make_settings: MakeSettings, session: Session
) -> None:
    codec = codec_for(make_settings(cookie_samesite=samesite))
    for line in (codec.session_cookie(session, NOW), codec.activity_cookie(session, NOW)):
        assert line.startswith("__Host-idaware-")
        assert {"Path=/", "HttpOnly", "Secure", f"SameSite={samesite.title()}"} <= attributes(line)
        assert "Domain" not in line


def test_over_plain_http_on_loopback_the_name_has_no_prefix(
    make_settings: MakeSettings, session: Session
) -> None:
    codec = codec_for(make_settings(base_url="http://localhost:8000", issuer="http://127.0.0.1:9000"))
    line = codec.session_cookie(session, NOW)
    assert line.startswith("idaware-")
    assert "Secure" not in attributes(line)


def test_the_browser_drops_the_session_at_its_hard_end(codec: CookieCodec, session: Session) -> None:
    assert "Max-Age=28800" in attributes(codec.session_cookie(session, NOW))
    assert "Max-Age=28500" in attributes(codec.session_cookie(session, NOW + 300))


def test_a_session_that_is_past_its_end_already_is_not_a_deletion(
    codec: CookieCodec, session: Session
) -> None:
    assert "Max-Age=1" in attributes(codec.session_cookie(session, NOW + 99_999))


def test_activity_outlives_the_session_and_holds_nothing_personal(
    codec: CookieCodec, session: Session
) -> None:
    line = codec.activity_cookie(session, NOW)
    assert f"Max-Age={3600 + REMEMBERED_SECONDS}" in attributes(line)
    activity = codec.decode_activity(codec.encode_activity(session, NOW + 7.9))
    assert activity is not None
    assert msgspec.structs.astuple(activity) == (1, session.id, NOW + 7, session.expires)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(msgspec.msgpack.encode([2, "id", 1, 2]), id="newer version"),
        pytest.param(msgspec.msgpack.encode([1, "id", "1", 2]), id="time as text"),
        pytest.param(b"\xc1", id="not MessagePack"),
        pytest.param(b"\x94\x01\xa1\x80\x01\x02", id="text that is not UTF-8"),
    ],
)
def test_activity_of_another_form_is_none(payload: bytes, codec: CookieCodec, ring: KeyRing) -> None:
    assert codec.decode_activity(ring.seal("activity").close(payload)) is None
    assert codec.decode_activity("forged") is None


def guids(count: int) -> list[str]:
    return [str(uuid.UUID(int=number * 7919 + 2**127)) for number in range(count)]


def test_300_directory_groups_of_which_the_policy_names_20_fit(
    codec: CookieCodec, make_session: MakeSession
) -> None:
    named = guids(300)[:20]
    wanted = Cut.of(Wanted(groups=frozenset(named), claims=frozenset({"department", "realm_access.roles"})))
    made = make_session(
        groups=tuple(named),
        groups_total=300,
        claims={"department": "Finance and Controlling", "realm_access.roles": ["viewer", "editor"]},
        email="maximiliane.mustermann-schulze@subsidiary.corp.example",
        name="Dr. Maximiliane Mustermann-Schulze",
        user="maximiliane.mustermann-schulze@subsidiary.corp.example",
        cut=pack_digests(wanted.digests),
        wanted_id=wanted.wanted_id,
        acr="urn:mace:incommon:iap:silver",
        amr=("pwd", "mfa"),
    )
    line = codec.session_cookie(made, NOW)
    assert len(line) < 2048
    assert codec.decode(codec.encode(made)) == made


def test_sa_021_a_session_that_is_too_large_is_refused_never_sent(
    codec: CookieCodec, make_session: MakeSession
) -> None:
    with pytest.raises(ClientError, match="browsers keep 4096") as caught:
        codec.session_cookie(make_session(groups=tuple(guids(500))), NOW)
    assert caught.value.reason is Reason.SESSION_TOO_LARGE


def test_the_bound_counts_name_and_attributes(codec: CookieCodec, make_session: MakeSession) -> None:
    sizes = []
    for length in range(2600, 3100):
        try:
            sizes.append(len(codec.session_cookie(make_session(cut=b"", name="x" * length), NOW)))
        except ClientError:
            break
    assert MAX_COOKIE_BYTES - 24 < max(sizes) <= MAX_COOKIE_BYTES


def test_what_a_session_was_cut_for_goes_before_the_session_does(
    codec: CookieCodec, make_session: MakeSession
) -> None:
    made = make_session(cut=bytes(1024), name="x" * 2400)
    kept = codec.decode(codec.encode(made))
    assert kept == msgspec.structs.replace(made, cut=b"")


def test_a_sign_out_leaves_no_session_and_a_mark(
    codec: CookieCodec, session: Session, browser: Browser
) -> None:
    before = codec.sign_in_cookies(session, NOW)
    header = browser(*before, *codec.sign_out_cookies(NOW))
    assert codec.session_name + "=" not in header
    assert codec.activity_name + "=" not in header
    assert codec.signed_out(header, NOW)


def test_a_sign_in_takes_the_mark_of_a_sign_out_away(
    codec: CookieCodec, session: Session, browser: Browser
) -> None:
    header = browser(*codec.sign_out_cookies(NOW), *codec.sign_in_cookies(session, NOW))
    assert not codec.signed_out(header, NOW)


def test_the_mark_of_a_sign_out_comes_along_from_elsewhere_also_with_strict_cookies(
    make_settings: MakeSettings,
) -> None:
    codec = codec_for(make_settings(cookie_samesite="strict"))
    assert "SameSite=Lax" in attributes(codec.sign_out_cookies(NOW)[2])


def test_a_mark_ends(codec: CookieCodec, browser: Browser) -> None:
    header = browser(*codec.sign_out_cookies(NOW))
    assert codec.signed_out(header, NOW + REMEMBERED_SECONDS - 1)
    assert not codec.signed_out(header, NOW + REMEMBERED_SECONDS)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("forged." + "A" * 43, id="forged"),
    ],
)
def test_a_mark_that_is_not_ours_counts_for_nothing(value: str, codec: CookieCodec) -> None:
    assert not codec.signed_out(f"{codec.signed_out_name}={value}", NOW)
    assert not codec.signed_out("", NOW)


@pytest.mark.parametrize("payload", [[2, NOW + 9], [1, "soon"]], ids=["newer version", "time as text"])
def test_a_mark_of_another_form_counts_for_nothing(
    payload: list[object], codec: CookieCodec, ring: KeyRing
) -> None:
    text = ring.seal("signed-out").close(msgspec.msgpack.encode(payload))
    assert not codec.signed_out(f"{codec.signed_out_name}={text}", NOW)


def test_two_marks_count_for_nothing(codec: CookieCodec, browser: Browser) -> None:
    one = browser(*codec.sign_out_cookies(NOW))
    assert not codec.signed_out(f"{one}; {one}", NOW)
