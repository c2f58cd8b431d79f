"""Why a decision fell as it did: one closed list, used in code, records, pages, docs and test names.

A new member needs its sentence here, its line in ``docs/reference/reasons.md`` and a test; a test insists.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reason code of a decision or an event. ``sentence`` says it to people."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Reason:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    # let through
    ALLOWED_BY_RULE = "allowed_by_rule", "A rule allows this identity."
    PUBLIC = "public", "The rule is public: nobody has to sign in."
    OWN_ENDPOINT = "own_endpoint", "Answered by an endpoint of the access layer itself."
    GRANT = "grant", "A grant for a limited time allows this identity."
    PREFLIGHT = "preflight", "A CORS preflight that a rule lets pass without identity."
    MODE_OFF = "mode_off", "Protection is switched off for local development."
    # who is it
    NO_IDENTITY = "no_identity", "Nobody is signed in."
    SESSION_EXPIRED = "session_expired", "The session has reached its end."
    SESSION_IDLE = "session_idle", "The session was not used for too long."
    SESSION_STALE = (
        "session_stale",
        "What the session knows is too old or does not cover this page; sign in again.",
    )
    SESSION_REVOKED = "session_revoked", "The session was revoked."
    SESSION_INVALID = "session_invalid", "The session cookie is not one that this application made."
    TOKEN_INVALID = "token_invalid", "The token is not valid."
    TOKEN_EXPIRED = "token_expired", "The token has expired."
    TOKEN_AUDIENCE = "token_audience", "The token was issued for another audience."
    ISSUER_UNKNOWN = "issuer_unknown", "The token comes from an issuer that is not trusted here."
    # what the policy says
    DENIED_BY_RULE = "denied_by_rule", "A rule denies this identity."
    NOT_IN_ALLOW = "not_in_allow", "The rule does not allow this identity."
    CLAIM_UNKNOWN = "claim_unknown", "The rule asks for something the sign-in did not bring."
    NO_RULE = "no_rule", "No rule covers this path."
    METHOD_NOT_COVERED = "method_not_covered", "The rule for this path does not cover this method."
    STEP_UP_REQUIRED = "step_up_required", "The rule asks for a fresher or stronger sign-in."
    STEP_UP_UNMET = "step_up_unmet", "The new sign-in still does not meet what the rule asks for."
    # the request itself
    PATH_AMBIGUOUS = "path_ambiguous", "The path can be read in two ways."
    PATH_MISMATCH = (
        "path_mismatch",
        "The application routed the request elsewhere than the policy decided on.",
    )
    HOST_UNKNOWN = "host_unknown", "The application does not answer under this host name."
    METHOD_INVALID = "method_invalid", "The request method is not acceptable."
    MOUNT_UNKNOWN = "mount_unknown", "The request did not come in under the configured mount prefix."
    ORIGIN_REFUSED = "origin_refused", "A WebSocket from this origin is not accepted."
    CROSS_SITE = "cross_site", "A changing request from another site is not accepted on a session."
    REQUEST_TOO_LARGE = "request_too_large", "The request is larger than what is accepted."
    # signing in
    LOGIN_STATE_UNKNOWN = (
        "login_state_unknown",
        "The sign-in was not started in this browser, or too long ago.",
    )
    LOGIN_REFUSED_BY_PROVIDER = "login_refused_by_provider", "The provider refused the sign-in."
    LOGIN_CLIENT_REFUSED = (
        "login_client_refused",
        "The provider does not accept what this application asks of it.",
    )
    LOGIN_NONCE_MISMATCH = "login_nonce_mismatch", "The provider's answer belongs to another sign-in."
    LOGIN_TOKEN_REJECTED = "login_token_rejected", "The provider's token failed a check."
    SESSION_TOO_LARGE = "session_too_large", "The session would not fit into a cookie."
    ASSERTION_INVALID = "assertion_invalid", "The front door's assertion is not valid."
    LEGACY_ALLOWED = "legacy_allowed", "Let through by the old way in."
    LEGACY_EXPIRED = "legacy_expired", "The old way in has ended."
    SHADOW_PASSED = "shadow_passed", "Let through because the rule is in shadow."
    CONNECTION_ENDED = "connection_ended", "The live connection was ended."
    # something failed
    STORE_UNAVAILABLE = "store_unavailable", "The session store cannot be reached."
    AUDIT_UNAVAILABLE = "audit_unavailable", "The audit record could not be written."
    PROVIDER_UNAVAILABLE = "provider_unavailable", "The sign-in provider cannot be reached."
    INTERNAL_ERROR = "internal_error", "Something failed inside the access layer; the request was refused."
