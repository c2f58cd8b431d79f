from __future__ import annotations

import re

from idaware.io.forks import in_child
from idaware.io.request_ids import BLOCK_IDS, ID_BYTES, RequestIds


def test_ids_are_sixteen_hex_digits_and_never_repeated() -> None:
    new_id = RequestIds()
    made = [new_id() for _ in range(3 * BLOCK_IDS)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in made)


def test_randomness_is_asked_for_once_a_block_and_none_of_it_is_left_out() -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes(number % 256 for number in range(count))

    new_id = RequestIds(random_bytes)
    assert asked == []
    made = [new_id() for _ in range(BLOCK_IDS)]
    assert asked == [ID_BYTES * BLOCK_IDS]
    assert "".join(made) == bytes(number % 256 for number in range(ID_BYTES * BLOCK_IDS)).hex()
    new_id()
    assert len(asked) == 2


def test_a_forked_child_gives_out_none_of_its_parents_ids() -> None:
    new_id = RequestIds(lambda count: bytes(range(256)) * (count // 256))
    assert new_id() != new_id()
    in_child()
    assert new_id() == bytes(range(ID_BYTES)).hex()
