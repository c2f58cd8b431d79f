"""The configured provider as one process sees it: metadata, keys, whether it answers.

Belongs here: which document is asked for when. Nothing is fetched at construction: the application starts while its
provider is down, and recovers by itself (security rule 15). Times are ``now`` (UTC epoch seconds) of the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idaware.effects import FetchJson, Flow, JsonAnswer
from idaware.errors import ProviderMisbehaved, ProviderUnavailable
from idaware.oidc.discovery import Metadata, discovery_url, parse_metadata
from idaware.oidc.keys import KeySet, parse_key_set
from idaware.oidc.providers import Quirks
from idaware.oidc.remembered import UNDER_WAY_SECONDS, Held, Remembered

if TYPE_CHECKING:
    from jwt import PyJWK

    from idaware.settings import Settings

METADATA_SECONDS = 3600
"""How long metadata is used before it is asked for again."""

KEYS_SECONDS = 3600
KEYS_MIN_SECONDS = 300
KEYS_MAX_SECONDS = 86_400
"""How long keys live: as the answer says, within these bounds, an hour where it says nothing (security rule 18)."""

NEWER_KEYS_SECONDS = 30
"""Cool-down after a fetch for an unknown ``kid`` (security rule 18)."""

PROBE_SECONDS = 30
"""How long the answer to "is the provider there?" holds."""


@dataclass(frozen=True, slots=True)
class _Probed:
    at: float
    good: bool


class Provider:
    """The login provider's metadata and keys, fetched when first needed, kept, served stale while it is down.

    Safe for threads and tasks: attributes hold immutable values and are replaced whole. ``clock``: UTC epoch seconds,
    for when a fetch has ended.
    """

    def __init__(
        self, settings: Settings, quirks: Quirks, *, clock: Callable[[], float] | None = None
    ) -> None:
        self.settings = settings
        self.quirks = quirks
        self.issuer = settings.issuer
        self._url = discovery_url(settings.issuer)
        self._metadata: Remembered[Metadata] = Remembered(clock)
        self._keys: Remembered[KeySet] = Remembered(clock)
        self._newer_keys_at: float | None = None
        self._probed: _Probed | None = None
        self._probing: float | None = None

    @property
    def problem(self) -> str | None:
        """What went wrong last, for ``readyz`` and ``idaware check``; ``None`` once it works again."""
        failure = self._metadata.failure or self._keys.failure
        return failure.message if failure is not None else None

    def metadata_now(self, now: float) -> Metadata | None:
        """The metadata, when no fetch is needed (fresh, or kept while the provider is down)."""
        return self._metadata.usable(now, self._url)

    def metadata(self, now: float) -> Flow[Metadata]:
        """The metadata. Raises ``ProviderUnavailable`` or ``ProviderMisbehaved`` when there is none."""
        return self._metadata.get(now, self._url, lambda: self._fetch_metadata(now))

    def key_set(self, now: float) -> Flow[KeySet]:
        """The provider's keys, as ``metadata``: fresh, fetched, or stale for a day while it is down."""
        metadata = yield from self.metadata(now)
        url = metadata.jwks_uri
        return (yield from self._keys.get(now, url, lambda: self._fetch_keys(url, now)))

    def keys(self, kid: str | None, alg: str, now: float) -> Flow[tuple[PyJWK, ...]]:
        """The keys to try for a token with this ``kid`` and algorithm; empty when the provider has none.

        An unknown ``kid`` costs one fetch, then there is a cool-down (security rule 18). Raises as ``metadata``.
        """
        before = self._keys.held
        key_set = yield from self.key_set(now)
        found = key_set.candidates(kid, alg)
        if found or before is None or key_set is not before.value:  # or they were fetched just now
            return found
        return (yield from self.newer_keys(kid, alg, now))

    def newer_keys(self, kid: str | None, alg: str, now: float) -> Flow[tuple[PyJWK, ...]]:
        """The same from keys fetched now; empty during the cool-down.

        Also for a signature that fails: some providers rotate a key under an old ``kid``, or without any.
        """
        last = self._newer_keys_at
        if last is not None and 0 <= now - last < NEWER_KEYS_SECONDS:
            return ()
        metadata = yield from self.metadata(now)
        try:
            keys = yield from self._keys.renew(now, lambda: self._fetch_keys(metadata.jwks_uri, now))
        finally:
            self._newer_keys_at = now
        return keys.candidates(kid, alg)

    def probe_now(self, now: float) -> bool | None:
        """What ``probe`` would answer without a fetch; ``None`` when the last answer is too old.

        While another request's probe is under way it is not good yet: only one request waits to find out.
        """
        probed = self._probed
        if probed is not None and 0 <= now - probed.at < PROBE_SECONDS:
            return probed.good
        return False if self._probing is not None and abs(now - self._probing) < UNDER_WAY_SECONDS else None

    def probe(self, now: float) -> Flow[bool]:
        """Whether the provider answers its metadata; the answer holds for ``PROBE_SECONDS``. Never raises."""
        known = self.probe_now(now)
        if known is not None:
            return known
        self._probing = now
        try:
            yield from self._metadata.renew(now, lambda: self._fetch_metadata(now))
            good = True
        except (ProviderUnavailable, ProviderMisbehaved):
            good = False
        finally:
            self._probing = None
        self._probed = _Probed(now, good)
        return good

    def _fetch_metadata(self, now: float) -> Flow[Held[Metadata]]:
        answer = yield from FetchJson(self._url)
        _require_ok(answer, self._url)
        return Held(parse_metadata(answer.body, self.issuer), self._url, now, now + METADATA_SECONDS)

    def _fetch_keys(self, url: str, now: float) -> Flow[Held[KeySet]]:
        answer = yield from FetchJson(url)
        _require_ok(answer, url)
        keys = parse_key_set(answer.body, self.settings.allowed_algs)
        return Held(keys, url, now, now + _keys_lifetime(answer.max_age_seconds))


def _keys_lifetime(max_age_seconds: int | None) -> int:
    if max_age_seconds is None:
        return KEYS_SECONDS
    return min(max(max_age_seconds, KEYS_MIN_SECONDS), KEYS_MAX_SECONDS)


def _require_ok(answer: JsonAnswer, url: str) -> None:
    if answer.status != 200:
        raise ProviderMisbehaved(f"{url} answered {answer.status}, expected 200; check IDAWARE_ISSUER")
