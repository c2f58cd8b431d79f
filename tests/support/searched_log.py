"""The log of the whole run, down to DEBUG, is searched for secrets (security rule 29).

Belongs here: what a secret looks like in a line. Tests of one line have their own words for it; this is for the lines
that nobody thought of, those of the libraries included.
"""

from __future__ import annotations

import logging
import re

LOGGERS = ("idaware", "httpx2", "httpcore2", "authlib", "joserfc", "jwt")
"""Whose lines are made whatever level the run has; everybody's lines that are made are searched."""

SECRETS = {
    "a signed token": re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    "credentials": re.compile(r"\b(?:Bearer|Basic) [\w.~+/-]{12,}"),
    "a field of a token request": re.compile(
        r"\b(?:client_secret|client_assertion|code_verifier|refresh_token|access_token|id_token)=[^&\s]{6,}"
    ),
    "a cookie of ours": re.compile(r"idaware-[0-9a-f]{8}(?:-\w+)?=[\w-]{16,}\.[\w-]{16,}"),
    "a secret of the tests": re.compile("correct horse battery staple|w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa"),
}


# The browsers of the tests are made of the same library: addresses and answers of theirs hold what belongs to them.
BROWSERS = ("httpx2", "httpcore2")
THEIRS = frozenset({"a signed token", "a cookie of ours"})


def secret_in(logger: str, line: str) -> str | None:
    """What kind of secret stands in a ``line`` of ``logger``."""
    theirs = THEIRS if logger.partition(".")[0] in BROWSERS else frozenset()
    return next(
        (kind for kind, pattern in SECRETS.items() if kind not in theirs and pattern.search(line)), None
    )


class SearchedLog(logging.Handler):
    """Sees every record that is made, and keeps which logger told what kind of secret; never the secret."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))  # with the traceback, where there is one
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        kind = secret_in(record.name, self.format(record))
        if kind is not None:
            self.found.append(f"{record.name} ({record.levelname}) logged {kind}")

    def start(self) -> None:
        """Listen to everybody."""
        logging.getLogger().addHandler(self)
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)
