"""Time and randomness that tests hold in their hands."""

from __future__ import annotations

import base64
import hashlib

NOW = 1_800_000_000.0
"""2027-01-15T08:00:00Z."""


class Clock:
    """UTC epoch seconds that pass when a test says so."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Tokens:
    """Random text that is the same in every run: the n-th token of one test is the n-th of the other."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, size_bytes: int) -> str:
        self.given += 1
        data = hashlib.shake_128(f"token {self.given}".encode()).digest(size_bytes)
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def request_id(self) -> str:
        return "req-" + self(6)
