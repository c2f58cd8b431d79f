"""What the drivers ask of the world: one typed method for each effect, once blocking and once asynchronous.

``blocking.py`` and ``async_.py`` hold the real ports; tests bring scripted ones. A blocking port cannot be
wired into ``run_async``: the types differ. A new effect is one more method in both protocols.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from idaware.effects import FetchJson, JsonAnswer, PostForm, ReadBody

KnownEffect: TypeAlias = FetchJson | PostForm | ReadBody
"""The closed set of effects. The drivers' ``assert_never`` holds it against what they carry out."""


class CarriesOut(Protocol):
    """Carries effects out and returns when they are done. Raises what the effect's own docstring names."""

    def fetch_json(self, effect: FetchJson, /) -> JsonAnswer: ...

    def post_form(self, effect: PostForm, /) -> JsonAnswer: ...

    def read_body(self, effect: ReadBody, /) -> bytes: ...


class CarriesOutAsync(Protocol):
    """As ``CarriesOut``, awaited."""

    async def fetch_json(self, effect: FetchJson, /) -> JsonAnswer: ...

    async def post_form(self, effect: PostForm, /) -> JsonAnswer: ...

    async def read_body(self, effect: ReadBody, /) -> bytes: ...
