"""The headers of an application's answer, with ours: one function for both adapters.

What becomes of caching is decided in ``caching.py``; here headers are found and put back, as bytes for ASGI and as
text for WSGI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from idaware.http.caching import adjust_caching, kept_by_others

T = TypeVar("T", str, bytes)


class Form(Generic[T]):
    """How a protocol writes headers. ``write`` makes one of text, ``read`` makes text of it.

    ``caching``: names of the headers that say how an answer is cached. ``private``: what is added to an answer with
    none of them, where an identity went along.
    """

    __slots__ = ("cache_control", "caching", "private", "read", "set_cookie", "validators", "vary", "write")

    def __init__(self, write: Callable[[str], T], read: Callable[[T], str]) -> None:
        self.write: Callable[[str], T] = write
        self.read: Callable[[T], str] = read
        self.set_cookie: T = write("set-cookie")
        self.cache_control: T = write("cache-control")
        self.vary: T = write("vary")
        self.validators: frozenset[T] = frozenset({write("etag"), write("last-modified")})
        self.caching: frozenset[T] = self.validators | {self.cache_control, self.vary}
        adjusted = adjust_caching(None, False, None, attached=True, public=False)
        names = (self.cache_control, self.vary)
        self.private: tuple[tuple[T, T], ...] = tuple(
            (name, write(value)) for name, value in zip(names, adjusted, strict=True) if value
        )


BYTES: Final = Form[bytes](lambda text: text.encode("latin-1"), lambda value: value.decode("latin-1"))
TEXT: Final = Form[str](str, str)


def with_ours(
    headers: Iterable[tuple[T, T]],
    form: Form[T],
    *,
    set_cookies: tuple[str, ...],
    attached: bool,
    public: bool,
) -> list[tuple[T, T]]:
    """``headers`` of an application's answer with our cookies, kept from shared caches (security rule 26).

    ``attached``: whether an identity went along with the request. ``public``: whether the deciding rule is public. An
    answer that is public and knew nobody stays as it is; one that shared caches may keep gets no cookie.
    """
    ours: list[tuple[T, T]] = list(headers)
    if public and not attached:
        return ours
    cookies = [(form.set_cookie, form.write(cookie)) for cookie in set_cookies]
    if form.caching.isdisjoint([name.lower() for name, _ in ours]):  # most answers say nothing about caching
        ours += cookies
        if attached:
            ours += form.private
        return ours
    cache_control, vary, validator = _caching_of(ours, form)
    if cache_control is None or not kept_by_others(cache_control, public=public):
        ours += cookies
    new_cache_control, new_vary = adjust_caching(
        cache_control, validator, vary, attached=attached, public=public
    )
    if new_cache_control is not None:
        ours = _replaced(ours, form.cache_control, form.write(new_cache_control))
    if new_vary is not None:
        ours = _replaced(ours, form.vary, form.write(new_vary))
    return ours


def _caching_of(headers: list[tuple[T, T]], form: Form[T]) -> tuple[str | None, str | None, bool]:
    """``Cache-Control`` and ``Vary``, each with all its values, and whether there is a validator."""
    cache_control: list[str] = []
    vary: list[str] = []
    validator = False
    for name, value in headers:
        lowered = name.lower()
        if lowered == form.cache_control:
            cache_control.append(form.read(value))
        elif lowered == form.vary:
            vary.append(form.read(value))
        elif lowered in form.validators:
            validator = True
    return ", ".join(cache_control) or None, ", ".join(vary) or None, validator


def _replaced(headers: list[tuple[T, T]], name: T, value: T) -> list[tuple[T, T]]:
    kept = [pair for pair in headers if pair[0].lower() != name]
    kept.append((name, value))
    return kept
