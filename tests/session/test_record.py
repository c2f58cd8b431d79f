from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idaware.errors import ClientError, ConfigurationError
from idaware.identity import Wanted
from idaware.policy.digests import digest_of
from idaware.reasons import Reason
from idaware.session.record import (
    MAX_CUT_BYTES,
    Cut,
    Session,
    identify,
    pack,
    pack_digests,
    unpack,
    unpack_digests,
)

MakeSession = Callable[..., Session]
DIGESTS = st.frozensets(st.text(max_size=5).map(lambda text: digest_of("group", text)), max_size=40)


def test_a_session_survives_packing(session: Session) -> None:
    assert unpack(pack(session)) == session


@given(
    subject=st.text(max_size=40),
    groups=st.none() | st.lists(st.text(max_size=20), max_size=5).map(tuple),
    claims=st.dictionaries(
        st.text(max_size=9),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=4,
    ),
)
def test_whatever_a_provider_says_survives_packing(
    subject: str, groups: tuple[str, ...] | None, claims: dict[str, object]
) -> None:
    made = Session(1, "id", 1, 2, 3, subject, groups=groups, claims=claims)
    assert unpack(pack(made)) == made


@given(st.binary(max_size=200))
@example(b"\x96\x00\xa1\x80")  # text that is not UTF-8
def test_any_payload_ends_in_a_session_or_in_none(payload: bytes) -> None:
    read = unpack(payload)
    assert read is None or read.v == 1


def test_the_release_after_may_add_fields_at_the_end(session: Session) -> None:
    fields = msgspec.msgpack.decode(pack(session))
    assert unpack(msgspec.msgpack.encode([*fields, "new", {"more": 1}])) == session


def test_the_release_before_may_lack_fields_at_the_end(session: Session) -> None:
    fields = msgspec.msgpack.decode(pack(session))
    read = unpack(msgspec.msgpack.encode(fields[:6]))
    assert read is not None
    assert (read.id, read.subject, read.groups) == (session.id, session.subject, None)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(
            msgspec.msgpack.encode([2, "id", 1, 2, 3, "sub"]), id="a newer version of the same form"
        ),
        pytest.param(msgspec.msgpack.encode({"v": 2, "id": "x"}), id="a newer version of another form"),
        pytest.param(msgspec.msgpack.encode([1, "id", "1", 2, 3, "sub"]), id="a time as text"),
        pytest.param(b"\x80\x04K\x01.", id="SA-039 a pickle"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_not_this_version_is_not_ours(payload: bytes) -> None:
    assert unpack(payload) is None


@given(DIGESTS)
def test_digests_survive_packing(digests: frozenset[str]) -> None:
    assert unpack_digests(pack_digests(digests)) == digests


def test_a_cut_of_very_many_things_is_named_but_not_listed() -> None:
    fits = [digest_of("group", str(number)) for number in range(MAX_CUT_BYTES // 4)]
    assert len(pack_digests(fits)) == MAX_CUT_BYTES
    assert pack_digests([*fits, digest_of("group", "one more")]) == b""


SRE, FINANCE = digest_of("group", "sre"), digest_of("group", "finance")


@pytest.mark.parametrize(
    ("needs", "in_force", "covered"),
    [
        pytest.param([SRE], "other", True, id="named then and now"),
        pytest.param([], "other", True, id="nothing needed"),
        pytest.param([SRE, digest_of("group", "new")], "other", False, id="something is new"),
        pytest.param([digest_of("group", "new")], "same", True, id="the same policy: no need to look"),
    ],
)
def test_a_session_covers_what_it_was_cut_for(
    needs: list[str], in_force: str, covered: bool, make_session: MakeSession, cut: Cut
) -> None:
    made = make_session()
    assert made.cut_digests == cut.digests
    assert made.covers(frozenset(needs), cut.wanted_id if in_force == "same" else "0" * 12) is covered


def test_an_unlisted_cut_covers_only_under_its_own_policy(make_session: MakeSession, cut: Cut) -> None:
    made = make_session(cut=b"")
    assert made.covers(frozenset({SRE}), cut.wanted_id)
    assert not made.covers(frozenset({SRE}), "0" * 12)


def test_an_identity_holds_what_the_session_holds(session: Session, cut: Cut) -> None:
    who = identify(session, issuer="https://login.corp.example", cut=cut)
    assert who.principal == "login/248289761001"
    assert (who.issuer, who.email, who.email_verified, who.name) == (
        "https://login.corp.example",
        "alice@corp.example",
        True,
        "Alice",
    )
    assert (who.groups, who.groups_total) == (frozenset({"sre"}), 12)
    assert dict(who.claims) == {"department": "finance"}
    assert (who.actor_type, who.auth_method, who.session_id) == ("human", "session", session.id)
    assert who.kept is cut.wanted
    assert who.in_group("sre")
    assert not who.in_group("finance")


def test_unknown_groups_stay_unknown(make_session: MakeSession, cut: Cut) -> None:
    who = identify(make_session(groups=None), issuer="i", cut=cut)
    assert who.groups is None


def test_a_group_that_is_new_in_the_policy_is_not_answered_from_an_old_session(
    make_session: MakeSession,
) -> None:
    wanted = Wanted(
        groups=frozenset({"sre", "auditors"}),
        group_affixes=frozenset({("team-", ""), ("", "-leads")}),
        claims=frozenset({"department", "level"}),
    )
    old = Wanted(
        groups=frozenset({"sre", "gone"}),
        group_affixes=frozenset({("team-", "")}),
        claims=frozenset({"department"}),
    )
    made = make_session(cut=pack_digests(Cut.of(old).digests), wanted_id=Cut.of(old).wanted_id)
    who = identify(made, issuer="i", cut=Cut.of(wanted))
    assert who.kept == Wanted(frozenset({"sre"}), frozenset({("team-", "")}), frozenset({"department"}))
    assert who.in_group("sre")
    assert who.wanted == wanted
    with pytest.raises(ClientError, match="auditors") as stale:
        who.in_group("auditors")
    assert (stale.value.reason, stale.value.status) == (Reason.SESSION_STALE, 401)
    with pytest.raises(ConfigurationError, match="nobody-names"):
        who.in_group("nobody-names-this")


def test_the_name_of_a_cut_depends_on_its_content_alone() -> None:
    one, other = Cut.of(Wanted(groups=frozenset({"a", "b"}))), Cut.of(Wanted(groups=frozenset({"b", "a"})))
    assert one.wanted_id == other.wanted_id != Cut.of(Wanted(groups=frozenset({"a"}))).wanted_id
