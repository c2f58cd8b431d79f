"""From claims to a person: absent is not empty, and nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idaware.effects import JsonAnswer
from idaware.errors import ProviderMisbehaved, TokenRejected
from idaware.identity import Wanted
from idaware.oidc.claims import (
    MAX_GROUP_CHARS,
    MAX_GROUPS,
    MISSING,
    Person,
    missing_for,
    read_claim,
    read_person,
    read_userinfo,
)
from idaware.oidc.providers import Quirks, quirks_for

SRE = Wanted(groups=frozenset({"sre", "finance"}))


@pytest.fixture
def person(op: Any) -> Any:
    def read(
        id_claims: dict[str, Any],
        userinfo: dict[str, Any] | None = None,
        *,
        wanted: Wanted = SRE,
        quirks: Quirks | None = None,
        granted: str | None = None,
        userinfo_offered: bool = True,
        **environ: str,
    ) -> Person:
        return read_person(
            {"sub": "u1", **id_claims},
            userinfo,
            settings=op.configure(**environ),
            quirks=quirks or Quirks(),
            wanted=wanted,
            granted_scope=granted,
            userinfo_offered=userinfo_offered,
        )

    return read


# -- reading by path -----------------------------------------------------------------------------------------

CLAIMS: dict[str, Any] = {
    "groups": ["sre"],
    "realm_access": {"roles": ["a"], "x.y": {"z": 1}},
    "https://corp.example/groups": ["b"],
    "a.b": "whole",
    "a": {"b": "path", "c": None},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("groups", ["sre"]),
        ("realm_access.roles", ["a"]),
        ("https://corp.example/groups", ["b"]),
        ("a.b", "whole"),
        ("a.c", None),
        ("realm_access.x\\.y.z", 1),
        ("a\\.b", "whole"),
        ("missing", MISSING),
        ("a.missing", MISSING),
        ("groups.0", MISSING),
        ("a.b.c", MISSING),
        ("a.", MISSING),
        (".a", MISSING),
        ("a..b", MISSING),
        ("", MISSING),
        (".", MISSING),
        ("a\\", MISSING),
    ],
)
def test_claim_is_read_as_a_name_first_then_as_a_path(path: str, value: Any) -> None:
    assert read_claim(CLAIMS, path) == value


@given(st.text(alphabet="ab.\\", max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_path_names_something_or_nothing(path: str) -> None:
    read_claim(CLAIMS, path)


# -- groups --------------------------------------------------------------------------------------------------


def test_only_wanted_groups_are_kept_and_all_are_counted(person: Any) -> None:
    directory = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(300)]
    found = person({"groups": [*directory, "sre", "sre"]})
    assert (found.groups, found.groups_total, found.groups_left_out) == (frozenset({"sre"}), 301, None)


def test_groups_with_a_captured_segment_in_their_name_are_kept(person: Any) -> None:
    wanted = Wanted(group_affixes=frozenset({("team-", "")}))
    assert person({"groups": ["team-a", "team-", "sre"]}, wanted=wanted).groups == {"team-a"}


def test_empty_list_means_no_groups(person: Any) -> None:
    found = person({"groups": []})
    assert (found.groups, found.groups_total, found.groups_left_out) == (frozenset(), 0, None)


FORMS: dict[str, tuple[str, Any, frozenset[str] | None]] = {
    "list": ("list", ["sre", "finance"], frozenset({"sre", "finance"})),
    "text_is_no_list": ("list", "sre", None),
    "text_is_never_split_unasked": ("list", "sre,finance", None),
    "list_with_a_number": ("list", ["sre", 1], None),
    "list_with_an_empty_name": ("list", ["sre", ""], None),
    "list_with_a_name_too_long": ("list", ["sre", "x" * (MAX_GROUP_CHARS + 1)], None),
    "list_of_lists": ("list", [["sre"]], None),
    "object": ("list", {"sre": True}, None),
    "null": ("list", None, None),
    "single": ("single", "sre", frozenset({"sre"})),
    "single_is_not_split": ("single", "sre,finance", frozenset()),
    "single_empty": ("single", "", frozenset()),
    "list_is_no_single": ("single", ["sre"], None),
    "comma": ("comma", "sre, finance,,", frozenset({"sre", "finance"})),
    "comma_empty": ("comma", "", frozenset()),
    "list_is_no_comma": ("comma", ["sre"], None),
    "space": ("space", " sre  finance ", frozenset({"sre", "finance"})),
    "number_is_no_space": ("space", 1, None),
}


@pytest.mark.parametrize(("form", "value", "groups"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("absent", ["unknown", "empty"])
def test_groups_have_the_configured_form_or_are_unknown(
    person: Any, form: str, value: Any, groups: Any, absent: str
) -> None:
    found = person({"groups": value}, groups_format=form, groups_absent=absent)
    assert found.groups == groups
    assert found.groups_left_out == (None if groups is not None else "malformed")


def test_number_of_groups_is_bounded(person: Any) -> None:
    assert person({"groups": [str(n) for n in range(MAX_GROUPS)]}).groups_total == MAX_GROUPS
    assert person({"groups": [str(n) for n in range(MAX_GROUPS + 1)]}).groups is None


def test_absent_groups_are_unknown_unless_configuration_says_empty(person: Any) -> None:
    found = person({})
    assert (found.groups, found.groups_total, found.groups_left_out) == (None, None, "absent")
    found = person({}, {"sub": "u1"}, groups_absent="empty")
    assert (found.groups, found.groups_total, found.groups_left_out) == (frozenset(), 0, None)


def test_absent_groups_are_not_empty_while_userinfo_has_not_answered(person: Any) -> None:
    assert person({}, None, groups_absent="empty").groups_left_out == "absent"
    assert person({}, None, groups_absent="empty", claims_from="id_token").groups == frozenset()
    assert person({}, None, groups_absent="empty", userinfo_offered=False).groups == frozenset()


OVERAGE: dict[str, tuple[dict[str, Any], str]] = {
    "claim_names": ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, "groups"),
    "hasgroups": ({"hasgroups": True}, "groups"),
    "beside_some_groups": ({"_claim_names": {"groups": "src1"}, "groups": ["sre"]}, "groups"),
    "of_a_claim_with_dots_in_its_name": (
        {"_claim_names": {"https://corp.example/groups": "s"}},
        "https://corp.example/groups",
    ),
    "of_the_claim_that_holds_the_path": ({"_claim_names": {"realm_access": "s"}}, "realm_access.roles"),
}


@pytest.mark.parametrize(("claims", "path"), OVERAGE.values(), ids=OVERAGE)
@pytest.mark.parametrize("absent", ["unknown", "empty"])
def test_overage_leaves_groups_unknown_whatever_absent_means(
    person: Any, claims: dict[str, Any], path: str, absent: str
) -> None:
    found = person(claims, groups_claim=path, groups_absent=absent)
    assert (found.groups, found.groups_left_out) == (None, "overage")


def test_overage_of_something_else_or_in_another_form_is_none(person: Any) -> None:
    for claims in ({"_claim_names": {"x": "s"}}, {"_claim_names": ["groups"]}, {"hasgroups": "true"}):
        assert person({**claims, "groups": ["sre"]}).groups == {"sre"}


def test_overage_is_not_healed_by_groups_from_userinfo(person: Any) -> None:
    userinfo = {"sub": "u1", "groups": ["sre"]}
    assert person({"_claim_names": {"groups": "s"}}, userinfo).groups_left_out == "overage"
    for signed in ({}, {"_claim_names": {"x": "s"}}):
        found = person({**signed, "groups": ["sre"]}, {"_claim_names": {"groups": "s"}})
        assert found.groups_left_out == "overage"


@pytest.mark.parametrize("absent", ["unknown", "empty"])
def test_scope_that_the_person_unticked_never_counts_as_no_groups(person: Any, absent: str) -> None:
    scopes = {"scopes": "openid,email,groups", "groups_absent": absent}
    found = person({}, {"sub": "u1"}, granted="openid email", **scopes)
    assert (found.groups, found.groups_left_out) == (None, "not_granted")


def test_scope_that_was_granted_or_not_asked_for_is_no_reason(person: Any) -> None:
    assert person({}, granted="openid groups", scopes="openid,groups").groups_left_out == "absent"
    assert person({}, granted="openid", scopes="openid,email").groups_left_out == "absent"
    assert person({}, scopes="openid,groups").groups_left_out == "absent"


def test_scope_of_the_groups_is_data_of_the_provider(person: Any) -> None:
    authentik = quirks_for("https://id.corp.example", "authentik")
    assert person({}, granted="openid email", quirks=authentik).groups_left_out == "not_granted"


# -- e-mail --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "verified"), [(True, True), (False, False), ("true", False), (1, False), (None, False)]
)
def test_email_is_verified_by_true_alone(person: Any, value: Any, verified: bool) -> None:
    found = person({"email": "a@corp.example", "email_verified": value})
    assert (found.email, found.email_verified) == ("a@corp.example", verified)


def test_verified_without_an_address_is_nothing(person: Any) -> None:
    assert person({"email_verified": True}).email_verified is False


@pytest.mark.parametrize("value", [True, 1, "1", "true"])
def test_domain_owners_word_counts_at_entra_alone(person: Any, value: Any) -> None:
    claims = {"email": "a@corp.example", "xms_edov": value}
    entra = quirks_for("https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/v2.0")
    assert person(claims, quirks=entra).email_verified is True
    assert person(claims).email_verified is False


@pytest.mark.parametrize("value", [False, 0, "0", "false", None, ["1"]])
def test_domain_owners_no_is_a_no(person: Any, value: Any) -> None:
    entra = quirks_for("https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/v2.0")
    assert person({"email": "a@corp.example", "xms_edov": value}, quirks=entra).email_verified is False


def test_userinfo_does_not_vouch_for_the_address_in_the_id_token(person: Any) -> None:
    other = {"sub": "u1", "email": "a@corp.example", "email_verified": True}
    assert person({"email": "ceo@corp.example"}, other).email_verified is False
    assert person({"email": "a@corp.example"}, other).email_verified is True
    assert person({}, other).email_verified is True


def test_verification_of_email_does_not_vouch_for_an_address_from_another_claim(person: Any) -> None:
    claims = {"email": "a@gmail.example", "email_verified": True, "upn": "ceo@corp.example"}
    found = person(claims, email_claim="upn")
    assert (found.email, found.email_verified) == ("ceo@corp.example", False)
    same = {**claims, "upn": "a@gmail.example"}
    assert person(same, email_claim="upn").email_verified is True


# -- the rest of a person ------------------------------------------------------------------------------------


def test_person_has_what_the_claims_say(person: Any) -> None:
    found = person(
        {
            "email": "a@corp.example",
            "name": "Ada 👩‍💻",
            "preferred_username": "ada",
            "auth_time": 1_800_000_000.5,
            "acr": "2",
            "amr": ["pwd", "otp"],
            "hd": "corp.example",
        },
        user_claim="preferred_username",
    )
    assert (found.subject, found.user, found.name) == ("u1", "ada", "Ada 👩‍💻")
    assert (found.auth_time, found.acr, found.amr) == (1_800_000_000.5, "2", ("pwd", "otp"))
    assert found.hosted_domain is None


def test_person_of_a_bare_token_is_known_by_its_subject(person: Any) -> None:
    found = person({})
    assert (found.user, found.email, found.name, found.auth_time, found.acr) == ("u1", None, None, None, None)
    assert (found.amr, found.claims) == ((), {})


@pytest.mark.parametrize(
    ("verified", "setting", "user"),
    [(True, "required", "a@corp.example"), (False, "required", "u1"), (None, "required", "u1"),
     (False, "ignored", "a@corp.example")],
)  # fmt: skip
def test_an_address_that_nobody_vouches_for_names_no_user(
    person: Any, verified: bool | None, setting: str, user: str
) -> None:
    """Whoever may type any address at the provider must not be ``REMOTE_USER`` of its owner."""
    claims = {"email": "a@corp.example", "upn": "a@corp.example"}
    claims |= {} if verified is None else {"email_verified": verified}
    assert person(claims, user_claim="email", email_verified=setting).user == user
    assert person(claims, user_claim="upn", email_claim="upn", email_verified=setting).user == user
    assert person(claims, user_claim="upn").user == "a@corp.example"


def test_hosted_domain_counts_at_google(person: Any) -> None:
    google = quirks_for("https://accounts.google.com")
    assert person({"hd": "corp.example"}, quirks=google).hosted_domain == "corp.example"
    assert person({}, {"sub": "u1", "hd": "corp.example"}, quirks=google).hosted_domain is None


@pytest.mark.parametrize(
    "value",
    ["", 7, None, ["x"], "a\nb", "a\x00b", "a\x85b", "a\u202eb", "a\ud800b", "x" * 1025],
    ids=repr,
)
def test_text_that_is_none_or_not_fit_to_be_shown_is_unknown(person: Any, value: Any) -> None:
    found = person(
        {"name": value, "email": value, "preferred_username": value, "acr": value},
        user_claim="preferred_username",
    )
    assert (found.name, found.email, found.user, found.acr) == (None, None, "u1", None)


@pytest.mark.parametrize("value", [0, None, True, "1800000000"])
def test_auth_time_that_says_nothing_is_unknown(person: Any, value: Any) -> None:
    assert person({"auth_time": value}).auth_time is None


def test_wanted_claims_are_kept_by_the_path_that_names_them(person: Any) -> None:
    wanted = Wanted(claims=frozenset({"department", "org.unit", "missing", "nothing"}))
    found = person({"department": "R&D", "org": {"unit": [1, True]}, "nothing": None, "x": 1}, wanted=wanted)
    assert found.claims == {"department": "R&D", "org.unit": [1, True], "nothing": None}


@pytest.mark.parametrize(
    "value",
    [
        "x" * 4097,
        ["x"] * 2000,
        2**63,
        -(2**64),
        1e300,
        float("nan"),
        float("inf"),
        "\ud800",
        {"\ud800": 1},
        [[[[[[[[[1]]]]]]]]],
    ],
    ids=lambda value: repr(value)[:20],
)
def test_value_that_no_session_can_hold_is_unknown(person: Any, value: Any) -> None:
    wanted = Wanted(claims=frozenset({"c"}))
    assert person({}, {"sub": "u1", "c": value}, wanted=wanted).claims == {}


def test_id_token_wins_over_userinfo(person: Any) -> None:
    found = person({"groups": ["sre"], "name": "A"}, {"sub": "u1", "groups": ["finance"], "name": "B"})
    assert (found.groups, found.name) == ({"sre"}, "A")
    assert person({}, {"sub": "u1", "groups": ["finance"]}).groups == {"finance"}


def test_claims_come_from_where_configuration_says(person: Any) -> None:
    id_claims, userinfo = {"groups": ["sre"], "acr": "2"}, {"sub": "u1", "groups": ["finance"], "acr": "9"}
    found = person(id_claims, userinfo, claims_from="userinfo")
    assert (found.groups, found.acr) == ({"finance"}, "2")


# -- userinfo ------------------------------------------------------------------------------------------------


def needed(op: Any, claims: dict[str, Any], wanted: Wanted = SRE, **environ: str) -> bool:
    return missing_for(op.configure(**environ), wanted, claims)


FULL: dict[str, Any] = {"groups": [], "email": "a@corp.example", "email_verified": False}


def test_userinfo_is_asked_when_something_needed_is_not_in_the_id_token(op: Any) -> None:
    assert not needed(op, FULL)
    for name in FULL:
        assert needed(op, {other: value for other, value in FULL.items() if other != name})
    assert needed(op, FULL, Wanted(claims=frozenset({"department"})))
    assert needed(op, {**FULL}, user_claim="preferred_username")
    assert needed(op, {}, Wanted(group_affixes=frozenset({("team-", "")})), scopes="openid")


def test_userinfo_is_not_asked_for_what_nobody_needs(op: Any) -> None:
    assert not needed(op, {}, Wanted(), scopes="openid")
    assert not needed(op, {"email": "a@corp.example"}, Wanted(), email_verified="ignored")
    assert not needed(op, {**FULL, "org": {"unit": 1}}, Wanted(claims=frozenset({"org.unit"})))


def test_configuration_rules_userinfo_out_or_in(op: Any) -> None:
    assert not needed(op, {}, claims_from="id_token")
    assert needed(op, FULL, claims_from="userinfo")


def test_userinfo_about_the_same_subject_is_read() -> None:
    body: dict[str, Any] = {"sub": "u1", "groups": ["sre"]}
    assert read_userinfo(JsonAnswer(200, body), "u1") == body


@pytest.mark.parametrize("body", [{"sub": "other"}, {"sub": "U1"}, {"sub": None}, {"sub": ["u1"]}, {}])
def test_userinfo_about_somebody_else_is_thrown_away(body: Any) -> None:
    with pytest.raises(TokenRejected, match="another sub"):
        read_userinfo(JsonAnswer(200, body), "u1")


@pytest.mark.parametrize(
    "answer",
    [
        JsonAnswer(200, None, content_type="application/jwt"),
        JsonAnswer(200, ["u1"]),
        JsonAnswer(401, {"sub": "u1"}),
        JsonAnswer(403, None),
    ],
    ids=["signed", "a_list", "unauthorized", "forbidden"],
)
def test_userinfo_that_is_no_answer_is_the_providers_fault(answer: JsonAnswer) -> None:
    with pytest.raises(ProviderMisbehaved, match="userinfo answered"):
        read_userinfo(answer, "u1")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    [
        "groups",
        "email",
        "email_verified",
        "name",
        "_claim_names",
        "hasgroups",
        "acr",
        "amr",
        "auth_time",
        "hd",
    ]
)


@given(st.dictionaries(_NAMES, _JSON), st.none() | st.dictionaries(_NAMES, _JSON))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_claims_make_a_person(person: Any, id_claims: dict[str, Any], userinfo: Any) -> None:
    found = person(id_claims, userinfo, wanted=Wanted(groups=SRE.groups, claims=frozenset({"hd", "acr"})))
    assert found.groups is None or found.groups <= SRE.groups
    assert (found.groups is None) == (found.groups_left_out is not None)
