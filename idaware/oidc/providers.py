"""What providers do differently on the wire, as data; nothing else in the package asks for a provider by name.

Built on ``idaware/provider_facts.py``, which knows who they are. A quirk only ever says where to look or
what to tell people; none of them relaxes a check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from idaware.provider_facts import GENERIC, hosted_domain_checked, is_multi_tenant, recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How one provider differs.

    * ``multi_tenant``: anybody can sign in at this issuer. ``hosted_domain``: its ``hd`` claim names the
      organisation, and an e-mail domain counts only together with it.
    * ``groups_scope``: the scope that brings groups, where there is one of its own: granting it is up to
      the person, who may untick it. ``groups_hint``: what an operator has to do so that groups come at all.
    * ``domain_verified_claim``: a claim that says of ``email`` what ``email_verified`` says elsewhere.
    * ``auth_time``: whether its ID tokens say when somebody signed in (where not, ``max_age`` cannot be checked,
      so after a session's end ``prompt=login`` is asked instead).
    * ``assertion_audience``: what ``private_key_jwt`` names as its audience (RFC 7523 section 3).
    """

    name: str = GENERIC
    multi_tenant: bool = False
    hosted_domain: bool = False
    groups_scope: str = "groups"
    groups_hint: str = (
        "Have the provider put groups into the ID token or into userinfo, or set IDAWARE_GROUPS_CLAIM."
    )
    domain_verified_claim: str | None = None
    auth_time: bool = True
    assertion_audience: Literal["token_endpoint", "issuer"] = "token_endpoint"


_KNOWN: Mapping[str, Quirks] = MappingProxyType(
    {
        GENERIC: Quirks(),
        "keycloak": Quirks(
            groups_hint="Add a mapper 'Group Membership' for the claim 'groups' (full path off), or "
            "set IDAWARE_GROUPS_CLAIM=realm_access.roles and add that claim to the ID token.",
        ),
        "entra": Quirks(
            groups_hint="Add the groups claim under 'Token configuration'. People in more than 200 groups "
            "get none (overage): choose 'Groups assigned to the application'.",
            domain_verified_claim="xms_edov",
            auth_time=False,
        ),
        "google": Quirks(
            groups_hint="Google puts no groups into its tokens: use email_domains or emails in the policy.",
            auth_time=False,
        ),
        "okta": Quirks(
            groups_hint="Add a groups claim with a filter to the application, and 'groups' to "
            "IDAWARE_SCOPES.",
        ),
        "auth0": Quirks(
            groups_hint="Add groups in an Action under a claim of your own (https://…/groups), and set "
            "IDAWARE_GROUPS_CLAIM to it.",
            assertion_audience="issuer",
        ),
        "dex": Quirks(
            groups_hint="Add 'groups' to IDAWARE_SCOPES, and see that the connector hands groups on.",
        ),
        "authentik": Quirks(
            groups_scope="profile",
            groups_hint="Groups come with the scope 'profile': keep it in IDAWARE_SCOPES.",
        ),
        "gitlab": Quirks(
            groups_scope="openid",
            groups_hint="Groups come from userinfo: keep 'userinfo' in IDAWARE_CLAIMS_FROM.",
        ),
    }
)


def quirks_for(issuer: str, name: str | None = None) -> Quirks:
    """The quirks of the provider at ``issuer``, by its configured ``name`` or as it is recognised."""
    known = name or recognise(issuer)
    return replace(
        _KNOWN.get(known, _KNOWN[GENERIC]),
        name=known,
        multi_tenant=is_multi_tenant(issuer, known),
        hosted_domain=hosted_domain_checked(issuer, known),
    )
