"""A forked child makes anew what it must not take over."""

from __future__ import annotations

import gc
import os

import pytest

from idaware.io import forks
from idaware.io.forks import after_fork, in_child


class Cache:
    def __init__(self) -> None:
        self.made = 0
        self.make()
        after_fork(self.make)

    def make(self) -> None:
        self.made += 1


def test_each_object_that_asked_is_made_anew_in_a_child() -> None:
    one, two = Cache(), Cache()
    in_child()
    assert (one.made, two.made) == (2, 2)


def test_an_object_that_is_gone_is_no_obstacle_and_is_forgotten() -> None:
    cache = Cache()
    kept = len(forks._methods)
    del cache
    gc.collect()
    in_child()
    Cache()
    assert len(forks._methods) <= kept


def test_a_fork_calls_it_by_itself_once(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[object] = []
    monkeypatch.setattr(forks, "_registered", [])
    monkeypatch.setattr(os, "register_at_fork", lambda **hooks: registered.append(hooks))
    kept = Cache(), Cache()
    assert registered == [{"after_in_child": in_child}]
    assert len(kept) == 2
