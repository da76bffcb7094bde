"""ULIDs sort as they were made, whatever clock and chance do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from koubou.model.ulid import following, is_ulid, ulid

TIMES = some.integers(0, (1 << 48) - 2)
CHANCE = some.binary(min_size=10, max_size=10)


@given(TIMES, TIMES, CHANCE, CHANCE)
def test_ulids_sort_as_their_times(earlier: int, later: int, one: bytes, other: bytes) -> None:
    if earlier != later:
        assert (ulid(earlier, one) < ulid(later, other)) == (earlier < later)


@given(CHANCE, some.lists(some.tuples(TIMES, CHANCE), max_size=20))
def test_each_ulid_follows_the_one_before(start: bytes, steps: list[tuple[int, bytes]]) -> None:
    names = [ulid(0, start)]
    for at, entropy in steps:
        names.append(following(names[-1], at, entropy))
    assert names == sorted(set(names))
    assert all(is_ulid(name) for name in names)
