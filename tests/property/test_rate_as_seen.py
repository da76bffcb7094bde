"""However calls come: no minute, wherever it begins, sees more of them than the limit and what may come at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as some

from koubou.board import Board, open_in_memory
from koubou.model.instant import MINUTE
from koubou.rules.rate import BURST_SHARE
from koubou.steps.pace import open_at, take
from tests.builders import NOW, a_tier

CALLS = some.lists(some.tuples(some.integers(0, 20_000), some.integers(1, 5_000)), min_size=1, max_size=120)
"""Milliseconds until the next one wants to go, and its tokens."""


def a_shop(board: Board) -> Any:
    """As much of a shop as pacing needs; all that it remembers stands on the board."""
    return SimpleNamespace(board=board, circuits={}, tiers={})


def let_through(calls: list[tuple[int, int]], requests: int | None, tokens: int | None, *, wait: bool) -> Any:
    """When which calls went, with a new shop for each of them: as after a restart."""
    board = Board(open_in_memory())
    tier = a_tier("local", requests_per_minute=requests, tokens_per_minute=tokens)
    now, gone = NOW, []
    for pause, weight in calls:
        now += pause
        if wait:
            now = max(now, open_at(a_shop(board), tier, now, weight))
        if open_at(a_shop(board), tier, now, weight) <= now:
            take(a_shop(board), tier, weight, now)
            gone.append((now, weight))
    return gone


def audit(gone: list[tuple[int, int]], per_minute: int) -> None:
    """An auditor with a window that slides: he knows nothing of cells."""
    most = per_minute + max([per_minute / BURST_SHARE, *(weight for _, weight in gone)])
    for begin, _ in gone:
        inside = sum(weight for at, weight in gone if begin <= at < begin + MINUTE)
        assert inside <= most, f"{inside} in the minute from {begin}, and {most} at most"


@given(CALLS, some.integers(1, 600), some.booleans())
@example([(0, 1)] * 40, 24, True)
@example([(0, 1)] * 110, 84, True)
def test_no_minute_sees_more_requests_than_the_limit_and_a_sixth(
    calls: list[tuple[int, int]], per_minute: int, wait: bool
) -> None:
    gone = let_through(calls, per_minute, None, wait=wait)
    audit([(at, 1) for at, _ in gone], per_minute)


@given(CALLS, some.integers(100, 2_000_000), some.booleans())
@example([(0, 1)] * 120, 59_999_999, True)
def test_no_minute_sees_more_tokens_than_the_limit_and_what_may_come_at_once(
    calls: list[tuple[int, int]], per_minute: int, wait: bool
) -> None:
    audit(let_through(calls, None, per_minute, wait=wait), per_minute)


@given(some.integers(6, 7_000), some.integers(1, 9))
def test_with_many_small_calls_the_limit_is_kept_to_the_last(per_minute: int, weight: int) -> None:
    """What is rounded on every call must not add up."""
    calls = [(0, weight)] * min(2 * per_minute // weight, 400)
    gone = let_through(calls, None, per_minute, wait=True)
    assert len(gone) == len(calls), "who waits until it is open goes"
    audit(gone, per_minute)
    spent = sum(each for _, each in gone)
    took = gone[-1][0] - gone[0][0]
    assert spent <= per_minute / BURST_SHARE + weight + per_minute * took / MINUTE


@given(CALLS, some.integers(1, 600), some.integers(100, 100_000))
def test_both_limits_hold_together_and_nobody_waits_longer_than_his_share(
    calls: list[tuple[int, int]], requests: int, tokens: int
) -> None:
    gone = let_through(calls, requests, tokens, wait=True)
    assert len(gone) == len(calls)
    audit([(at, 1) for at, _ in gone], requests)
    audit(gone, tokens)
