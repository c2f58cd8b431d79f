"""What is known about OpenID providers before any of them is asked.

Belongs here: facts that settings, policy and ``oidc`` need alike, as data: names, how to recognise an
issuer, who may sign in there. What a provider does differently on the wire (claims, prompts, logout) belongs
in ``idaware/oidc/providers.py``, which builds on this module.

Recognising is tolerant (letter case of the host, a port, a trailing dot or slash), since what is *not*
recognised as shared by everybody is taken for an organisation's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

GENERIC = "generic"
"""The name of a provider that nothing is known about."""

_ISSUER = re.compile(
    r"https?://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/?#:]*)(?::\d*)?(?P<path>/[^?#]*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """One provider.

    * ``multi_tenant``: each of its issuers is one that anybody can sign in at.
    * ``shared_hosts``, ``shared_tenants``: where only some are: by host, or by the first segment of the path.
    * ``hosts``, ``host_suffixes``, ``host_prefixes``: hosts it is recognised by; ``path`` is tried after
      those of all providers, since a path is a weaker sign.
    * ``hosted_domain_checked``: a domain counts only with an equal ``hd`` claim (``policy.md`` section 4).
    """

    multi_tenant: bool = False
    hosted_domain_checked: bool = False
    hosts: frozenset[str] = frozenset()
    host_suffixes: tuple[str, ...] = ()
    host_prefixes: tuple[str, ...] = ()
    path: re.Pattern[str] | None = None
    shared_hosts: frozenset[str] = frozenset()
    shared_tenants: frozenset[str] = frozenset()


FACTS: Mapping[str, ProviderFacts] = MappingProxyType(
    {
        GENERIC: ProviderFacts(
            # Sign-in services of the public internet; they have no quirks of their own here.
            shared_hosts=frozenset(
                {
                    "api.login.yahoo.com",
                    "appleid.apple.com",
                    "account.apple.com",
                    "id.twitch.tv",
                    "kauth.kakao.com",
                    "access.line.me",
                    "slack.com",
                    "www.facebook.com",
                    "www.linkedin.com",
                    "www.paypal.com",
                }
            ),
        ),
        "google": ProviderFacts(
            multi_tenant=True,
            hosted_domain_checked=True,
            hosts=frozenset({"accounts.google.com"}),
        ),
        "entra": ProviderFacts(
            hosts=frozenset(
                {
                    "login.microsoftonline.com",
                    "login.microsoftonline.us",
                    "login.partner.microsoftonline.cn",
                    "login.chinacloudapi.cn",
                    "login.microsoft.com",
                    "login.windows.net",
                    "sts.windows.net",
                }
            ),
            host_suffixes=(".b2clogin.com", ".ciamlogin.com"),
            # The long one is the tenant of all personal accounts, which "consumers" stands for.
            shared_tenants=frozenset(
                {"common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad", "{tenantid}"}
            ),
        ),
        "okta": ProviderFacts(
            host_suffixes=(".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com")
        ),
        "auth0": ProviderFacts(host_suffixes=(".auth0.com",)),
        "gitlab": ProviderFacts(
            hosts=frozenset({"gitlab.com"}),
            host_prefixes=("gitlab.",),
            shared_hosts=frozenset({"gitlab.com"}),
        ),
        "keycloak": ProviderFacts(path=re.compile(r"(?:/[^/]+)*/realms/[^/]+/?")),
        "authentik": ProviderFacts(path=re.compile(r"(?:/[^/]+)*/application/o/[^/]+/?")),
        "dex": ProviderFacts(path=re.compile(r"(?:/[^/]+)*/dex/?")),
    }
)
"""Every provider that has a name, in the order in which they are recognised."""


def _split(issuer: str) -> tuple[str, str]:
    match = _ISSUER.match(issuer.strip())
    if match is None:
        return "", ""
    return match["host"].lower().rstrip("."), match["path"] or ""


def _has_host(facts: ProviderFacts, host: str) -> bool:
    return host in facts.hosts or host.endswith(facts.host_suffixes) or host.startswith(facts.host_prefixes)


def recognise_host(issuer: str) -> str:
    """Name the provider whose hosts hold ``issuer``'s host; ``generic`` when it is none of them."""
    host, _ = _split(issuer)
    return next((name for name, facts in FACTS.items() if _has_host(facts, host)), GENERIC)


def recognise(issuer: str) -> str:
    """Name the provider behind ``issuer`` by its host, else by its path; ``generic`` when nothing fits."""
    by_host = recognise_host(issuer)
    if by_host != GENERIC:
        return by_host
    _, path = _split(issuer)
    return next((name for name, facts in FACTS.items() if facts.path and facts.path.fullmatch(path)), GENERIC)


def is_multi_tenant(issuer: str, provider: str) -> bool:
    """Whether anybody can sign in at ``issuer``: then "signed in" says nothing about who somebody is.

    ``provider`` is the configured or recognised name. A name can only add to what the issuer itself shows, so
    that ``IDAWARE_PROVIDER=keycloak`` does not make Google's issuer an organisation's own.
    """
    host, path = _split(issuer)
    tenant = path.lstrip("/").partition("/")[0].lower()
    named = {provider, recognise_host(issuer), GENERIC}
    return any(
        facts.multi_tenant or host in facts.shared_hosts or tenant in facts.shared_tenants
        for facts in (FACTS[name] for name in named if name in FACTS)
    )


def hosted_domain_checked(issuer: str, provider: str) -> bool:
    """Whether an e-mail domain counts only together with an equal ``hd`` claim (Google)."""
    return any(FACTS[name].hosted_domain_checked for name in {provider, recognise(issuer)} if name in FACTS)
