"""How we speak HTTP: TLS, proxies, headers, and what each failure means. Shared by both kinds of port.

httpx2 is imported at the first fetch: a process that never talks to the provider does not pay for it.

A client lives for one exchange. Exchanges are rare (a sign-in, an hourly look at the keys), and so a login
can never fail on a connection that the provider closed meanwhile, no cookie of one person's exchange
reaches another's, and nothing is left over that belongs to a dead event loop or to the parent of a fork.
What is dear, the TLS context, is made once.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from typing import TypedDict

from idaware.errors import ProviderError, ProviderMisbehaved, ProviderUnavailable
from idaware.io.answers import host_of

_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "idaware"}
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_BEARER = re.compile(r"[\x21-\x7e]+")
_TLS_NOISE = re.compile(r"^\[[^\]]*\]\s*|\s*\(_ssl\.c:\d+\)")


class ClientOptions(TypedDict):
    """What both kinds of client are made with."""

    verify: ssl.SSLContext | bool
    timeout: float
    follow_redirects: bool
    trust_env: bool


class Outbound:
    """The settings of outbound connections, and their TLS context.

    ``timeout_seconds``: for a whole exchange. ``ca_file``: certificates to trust instead of the system's.
    ``HTTPS_PROXY`` and ``NO_PROXY`` of the environment are honoured.
    """

    def __init__(self, timeout_seconds: float, *, ca_file: str | None = None) -> None:
        self.timeout_seconds = timeout_seconds
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._ca_version: tuple[int, int] | None = None

    @property
    def ready(self) -> bool:
        """Whether the TLS context is there; making it takes long enough (0.1 s) to stop an event loop."""
        return self._context is not None and self._ca_version == self._version()

    def options(self) -> ClientOptions:
        """What to make a client with. Raises ``ProviderUnavailable`` where the ``ca_file`` cannot be used."""
        return {
            "verify": self._tls_context(),
            "timeout": self.timeout_seconds,
            "follow_redirects": False,  # security rule 15
            "trust_env": True,
        }

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None or not self.ready:
            self._ca_version = self._version()
            self._context = self._make_context()
        return self._context

    def _make_context(self) -> ssl.SSLContext:
        import httpx2

        if self._ca_file is None:
            return httpx2.create_ssl_context()
        try:
            return ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise ProviderUnavailable(
                f"IDAWARE_CA_FILE {self._ca_file!r} cannot be used: {error.strerror or error}"
            ) from error

    def _version(self) -> tuple[int, int] | None:
        """Tells one content of the ``ca_file`` from the next, so that a renewed one is picked up."""
        if self._ca_file is None:
            return None
        try:
            status = os.stat(self._ca_file)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def get_headers(url: str, bearer: str | None) -> dict[str, str]:
    """The headers of a GET. Raises ``ProviderMisbehaved`` for a token that no header can carry (RFC 6750)."""
    if bearer is None:
        return _HEADERS
    if not _BEARER.fullmatch(bearer):
        raise ProviderMisbehaved(f"the access token for {host_of(url)} holds characters that no token has")
    return {**_HEADERS, "authorization": f"Bearer {bearer}"}


def form_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a form's POST, with those of the effect."""
    return {**_HEADERS, **_FORM, **{name.lower(): value for name, value in headers.items()}}


def failures() -> tuple[type[Exception], ...]:
    """What an exchange can fail with; ``fault_of`` says what each one means."""
    import httpx2

    return httpx2.RequestError, httpx2.InvalidURL, UnicodeError


def fault_of(url: str, error: Exception) -> ProviderError:
    """Whose fault a failed exchange is, in words for people. Never holds what was sent."""
    import httpx2

    host = host_of(url)
    if isinstance(error, httpx2.TimeoutException):
        return ProviderUnavailable(f"{host} did not answer in time")
    if isinstance(
        error, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL, UnicodeError)
    ):
        # The library's own text may quote a header that we wanted to send.
        return ProviderMisbehaved(f"{host} cannot be asked: the address or the request is malformed")
    if isinstance(error, httpx2.DecodingError):
        return ProviderMisbehaved(f"{host} answered with a body that cannot be decompressed")
    if isinstance(error, httpx2.RemoteProtocolError):
        return ProviderUnavailable(f"{host} ended the connection early, or does not speak HTTP")
    return ProviderUnavailable(f"{host} cannot be reached: {cause_of(error)}")


def cause_of(error: BaseException) -> str:
    """The innermost cause in the operating system's or the TLS library's words."""
    innermost = error
    while True:
        below = _below(innermost)
        if below is None:
            break
        innermost = below
    if isinstance(innermost, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {innermost.verify_message}"
    if isinstance(innermost, ConnectionError) and innermost.errno:
        return os.strerror(innermost.errno)  # asyncio puts the address into its own text
    text = innermost.strerror if isinstance(innermost, OSError) else None
    return _TLS_NOISE.sub("", text or str(innermost)) or type(innermost).__name__


def _below(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        first: BaseException = error.exceptions[0]
        return first
    below = error.__cause__ or error.__context__
    # Whatever else was being handled when the exchange began hangs on the chain as well: stop at the network.
    ours = isinstance(below, (OSError, BaseExceptionGroup)) or type(below).__module__.startswith("httpcore2")
    return below if ours else None
