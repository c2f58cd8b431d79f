"""The keyword arguments of both middlewares, for type checkers and editors.

Checking at run time is the table's: a text is read as in the environment, natural Python values are taken as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from typing import TypeAlias, TypedDict

from idaware.settings.secret import Secret

Flag: TypeAlias = bool | str
Duration: TypeAlias = timedelta | str
Texts: TypeAlias = Collection[str]  # a text with commas is one as well
Pairs: TypeAlias = Mapping[str, str] | Collection[str]
File: TypeAlias = PathLike[str] | str
SecretText: TypeAlias = Secret | str


class SettingsOverrides(TypedDict, total=False):
    """Every setting but ``app``; each beats its variable. The configuration reference explains them."""

    mode: str
    app_name: str
    base_url: str
    hosts: Texts
    root_path: str
    prefix: str
    policy_file: File
    policy_require: Texts
    allow_groups: Texts
    allow_email_domains: Texts
    allow_emails: Texts
    allow_signed_in: Flag
    issuer: str
    client_id: str
    client_secret: SecretText
    client_secret_file: File
    client_auth: str
    client_key: SecretText
    client_key_file: File
    provider: str
    scopes: Texts
    response_mode: str
    login_params: Pairs
    allowed_algs: Texts
    trusted_audiences: Texts
    http_timeout: Duration
    ca_file: File
    user_claim: str
    email_claim: str
    name_claim: str
    groups_claim: str
    groups_format: str
    groups_absent: str
    email_verified: str
    claims_from: Texts
    secret_keys: Sequence[SecretText] | Secret
    secret_keys_file: File
    cookie_name: str
    cookie_samesite: str
    session_store: str
    session_max: Duration
    session_idle: Duration
    session_refresh: Duration
    session_stale: Duration
    logout_redirect: str
    logout_provider: Flag
    trusted_proxies: Texts
    trusted_origins: Texts
    identity_headers: Pairs
    strip_headers: Texts
    audit: Texts
    audit_format: str
    audit_privacy: str
    audit_key: SecretText
    audit_key_file: File
    contact: str
    request_access_url: str
    brand: str
    log_level: str

    # Of later releases: only their defaults are accepted.
    shadow_until: str
    workload_token_file: File
    session_grace: Duration
    session_refresh_on_error: str
    jwt_issuers: Texts
    kubernetes: str
    kubernetes_audiences: Texts
    introspection: Flag
    assertions: Texts
    close_streams: Flag
    ssf_issuer: str
    ssf_audience: str
    gtr_issuer: str
    audit_fail: str
    audit_chain: Flag
    legacy_htpasswd: File
    legacy_user_header: str
    legacy_networks: Texts
    legacy_until: str
    metrics: Flag
