"""Every code block of the documentation: where it stands, and what it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>```+)(?P<language>\S*)[^\n]*\n(?P<body>.*?)^ *(?P=ticks)$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One fenced block. ``line``: of its first line, from 1."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("body")) + 1
        indent = match["indent"]
        body = re.sub(f"^{indent}", "", match["body"], flags=re.MULTILINE) if indent else match["body"]
        yield Block(str(path.relative_to(ROOT)), line, match["language"], body)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def of(*languages: str) -> list[Block]:
    """The blocks in any of these languages."""
    return [block for block in BLOCKS if block.language in languages]


@dataclass(frozen=True)
class Command:
    """One command of a shell block: the variables that it sets, and its words (none: only variables)."""

    block: Block
    variables: tuple[tuple[str, str], ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.block} {' '.join(self.words)[:40]}"


def commands_of(block: Block) -> Iterator[Command]:
    """The commands of a shell block: lines, split at ``&&`` and ``|``, without comments."""
    text = block.text.replace("\\\n", " ")
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&")
        lexer.whitespace_split = True
        parts: list[list[str]] = [[]]
        for word in lexer:
            if word in ("|", "&&"):
                parts.append([])
            else:
                parts[-1].append(word)
        for part in parts:
            if part:
                yield _command(block, part)


def _command(block: Block, words: list[str]) -> Command:
    variables = []
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables.append((name, value))
    return Command(block, tuple(variables), tuple(words))
