"""The rows of the table that are about signing in: provider, claims, sessions. ``rows.py`` has the others."""

from __future__ import annotations

from typing import Final

from idaware.provider_facts import FACTS, GENERIC
from idaware.settings import kinds, web
from idaware.settings.kinds import BOOLEAN, DURATION, matching, one_of, text, words
from idaware.settings.table import Setting

_WORDS: Final = text("text")
_FILE: Final = text("a path")

PROVIDER: Final = (
    Setting(
        name="issuer",
        kind=web.ISSUER,
        section="Provider",
        required=True,
        meaning="The issuer of the OpenID provider, byte for byte as its discovery document has it.",
    ),
    Setting(
        name="client_id",
        kind=text("the client id"),
        section="Provider",
        required=True,
        meaning="Our name at the provider.",
    ),
    Setting(
        name="client_secret",
        kind=kinds.SECRET,
        section="Provider",
        meaning="Our secret at the provider, for `client_secret_basic` and `client_secret_post`.",
    ),
    Setting(
        name="client_auth",
        kind=one_of(
            "client_secret_basic", "client_secret_post", "private_key_jwt", "none", later=("workload_token",)
        ),
        section="Provider",
        default="client_secret_basic",
        meaning="How we prove to the provider who we are. `none` is for public clients: PKCE stands alone.",
    ),
    Setting(
        name="client_key",
        kind=kinds.PRIVATE_KEY,
        section="Provider",
        meaning="The private key for `private_key_jwt`.",
    ),
    Setting(
        name="provider",
        kind=one_of(*(name for name in FACTS if name != GENERIC), GENERIC),
        section="Provider",
        default_note="recognised from the issuer",
        meaning="Whose peculiarities to expect.",
    ),
    Setting(
        name="scopes",
        kind=matching("scopes", r"[\x21\x23-\x5B\x5D-\x7E]+"),  # RFC 6749 section 3.3
        section="Provider",
        default="openid,profile,email",
        meaning="What is asked for at sign-in; `openid` has to be among them.",
    ),
    Setting(
        name="response_mode",
        kind=one_of("query", "form_post"),
        section="Provider",
        default="query",
        meaning="How the provider's answer comes back. `form_post` needs an https base URL: its state "
        "cookies are `SameSite=None`, which browsers keep only together with `Secure`.",
    ),
    Setting(
        name="login_params",
        kind=web.LOGIN_PARAMS,
        section="Provider",
        meaning="Further parameters of the sign-in request: `hd=corp.example,domain_hint=corp.example`.",
    ),
    Setting(
        name="allowed_algs",
        kind=web.ALGS,
        section="Provider",
        default="RS256,PS256,ES256,EdDSA",
        meaning="Signature algorithms of ID tokens. `none` and the HS family are never accepted.",
    ),
    Setting(
        name="trusted_audiences",
        kind=matching("audiences", r".+"),
        section="Provider",
        meaning="Audiences that an ID token may name beside our client id.",
    ),
    Setting(
        name="http_timeout",
        kind=DURATION,
        section="Provider",
        default="5s",
        meaning="How long one request to the provider may take. `HTTPS_PROXY` and `NO_PROXY` are honoured.",
    ),
    Setting(
        name="ca_file",
        kind=_FILE,
        section="Provider",
        default_note="the system's",
        meaning="Certificate authorities (PEM) to trust for requests to the provider.",
    ),
)

_CLAIM: Final = text("a claim's name or dotted path")

CLAIMS: Final = (
    Setting(
        name="user_claim",
        kind=_CLAIM,
        section="Claims",
        default="sub",
        meaning="What is shown as the user and in `REMOTE_USER`. It never alters the principal.",
    ),
    Setting(
        name="email_claim",
        kind=_CLAIM,
        section="Claims",
        default="email",
        meaning="Where the e-mail address is.",
    ),
    Setting(
        name="name_claim", kind=_CLAIM, section="Claims", default="name", meaning="Where the full name is."
    ),
    Setting(
        name="groups_claim",
        kind=_CLAIM,
        section="Claims",
        default="groups",
        meaning="Where the groups are. The whole text is tried as a top-level claim first, then as a "
        "dotted path.",
    ),
    Setting(
        name="groups_format",
        kind=one_of("list", "single", "comma", "space"),
        section="Claims",
        default="list",
        meaning="How groups are written: a list, one text that is one group, or separated by commas or "
        "blanks.",
    ),
    Setting(
        name="groups_absent",
        kind=one_of("unknown", "empty"),
        section="Claims",
        default="unknown",
        meaning="What a missing groups claim means. `empty` is for providers that leave out an empty list.",
    ),
    Setting(
        name="email_verified",
        kind=one_of("required", "ignored"),
        section="Claims",
        default="required",
        meaning="Whether rules on e-mail, `{email}` in identity headers and an e-mail address as `USER_CLAIM` ask "
        "for `email_verified`. `ignored` is refused where anybody can sign in.",
    ),
    Setting(
        name="claims_from",
        kind=words("id_token", "userinfo", noun="sources"),
        section="Claims",
        default="id_token,userinfo",
        meaning="Where claims are taken from. Userinfo is asked when a claim that is needed is not in the "
        "ID token.",
    ),
)

SESSIONS: Final = (
    Setting(
        name="secret_keys",
        kind=kinds.KEYS,
        section="Sessions and cookies",
        required=True,
        meaning="What cookies are signed with. To rotate: add the new one last, roll out, move it first, "
        "roll out, drop the old one after `SESSION_MAX`.",
    ),
    Setting(
        name="cookie_name",
        kind=web.COOKIE_NAME,
        section="Sessions and cookies",
        default_note="`__Host-idaware-` and 8 hex digits; no `__Host-` over plain http",
        meaning="The session cookie. Several tools on one host name must not sign each other out.",
    ),
    Setting(
        name="cookie_samesite",
        kind=one_of("lax", "strict"),
        section="Sessions and cookies",
        default="lax",
        meaning="`strict`: the callback answers with a page that goes on by itself.",
    ),
    Setting(
        name="session_store",
        kind=web.STORE,
        section="Sessions and cookies",
        default="cookie",
        meaning="`cookie`: the session is in the browser, signed.",
    ),
    Setting(
        name="session_max",
        kind=DURATION,
        section="Sessions and cookies",
        default="8h",
        meaning="The hard end of a session.",
    ),
    Setting(
        name="session_idle",
        kind=DURATION,
        section="Sessions and cookies",
        default_note="`1h`, `SESSION_MAX` where that is shorter",
        meaning="A session ends when nothing is heard from its person for so long; `2m` or more.",
    ),
    Setting(
        name="session_refresh",
        kind=DURATION,
        section="Sessions and cookies",
        default_note="`15m`, a quarter of `SESSION_STALE` where that is shorter",
        meaning="When the next page load brings the claims up to date.",
    ),
    Setting(
        name="session_stale",
        kind=DURATION,
        section="Sessions and cookies",
        default_note="`1h`, `SESSION_MAX` where that is shorter",
        meaning="Beyond this nothing passes on old claims: the bound that is promised.",
    ),
    Setting(
        name="logout_redirect",
        kind=web.LANDING,
        section="Sessions and cookies",
        default_note="`PREFIX/logged-out`",
        meaning="Where a sign-out ends. A path is the one that browsers see, that of the base URL included.",
    ),
    Setting(
        name="logout_provider",
        kind=BOOLEAN,
        section="Sessions and cookies",
        default="true",
        meaning="Whether a sign-out ends the provider's session too.",
    ),
)
