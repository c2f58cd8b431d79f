"""Which secret keys are too weak to sign with (security rule 23).

Pure text in, a sentence out. The sentence never holds the key nor a part of it.
"""

from __future__ import annotations

MIN_KEY_BYTES = 32
"""Shorter keys are refused: SHA-256 has no use for less."""

MAX_KEY_BYTES = 4096
"""Longer ones are some other file by mistake."""

MIN_DIFFERENT_CHARACTERS = 8
"""32 random hexadecimal digits hold fewer in one key out of ten million; a key typed by hand often does."""

HOW_TO_MAKE_ONE = (
    "make one with `idaware init` or `python -c 'import secrets; print(secrets.token_urlsafe(48))'`"
)

_PLACEHOLDERS = (
    *("changeme", "change-me", "change_me", "replaceme", "replace-me", "replace_me", "placeholder"),
    *("your-secret", "your_secret", "yoursecret", "supersecret", "super-secret", "super_secret"),
    *("secret-key", "secret_key", "secretkey", "notasecret", "not-a-secret", "not_a_secret"),
    *("insecure", "example", "password", "0123456789", "1234567890", "abcdefgh", "qwertz", "qwerty"),
)

_PUBLISHED = frozenset(
    {
        # Keys that tutorials of other projects print, and that people paste.
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    }
)


def _repeats_itself(key: str) -> bool:
    """Whether ``key`` is one short text over and over, the last time perhaps cut off."""
    return any(key[period:] == key[:-period] for period in range(1, len(key) // 2 + 1))


def weakness(key: str) -> str | None:
    """What is wrong with a key that cookies are to be signed with; ``None`` for a good one."""
    size_bytes = len(key.encode("utf-8", "surrogatepass"))
    if size_bytes < MIN_KEY_BYTES:
        return f"has {size_bytes} bytes, {MIN_KEY_BYTES} or more are needed"
    if size_bytes > MAX_KEY_BYTES:
        return f"has {size_bytes} bytes, more than {MAX_KEY_BYTES}: is it another file?"
    if len(set(key)) < MIN_DIFFERENT_CHARACTERS or _repeats_itself(key):
        return "repeats itself: anybody can guess it"
    folded = key.lower()
    if folded in _PUBLISHED or any(word in folded for word in _PLACEHOLDERS):
        return "is a placeholder or stands in somebody's documentation: anybody knows it"
    return None
