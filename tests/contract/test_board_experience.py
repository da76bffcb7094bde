"""What the board remembers of how types of tasks did in tiers."""

from __future__ import annotations

from koubou.board import Board
from koubou.board.experience import FULL
from koubou.model.experience import Experience


def test_what_was_counted_comes_back_by_type_and_tier(board: Board) -> None:
    page = board.experience
    assert page.of_type("testing") == {}
    page.answered("testing", "local")
    page.answered("testing", "local")
    page.retried("testing", "local")
    page.poor("testing", "medium")
    page.answered("general", "local")
    assert page.of_type("testing") == {"local": Experience(answered=2, retried=1), "medium": Experience(poor=1)}
    assert page.of_type("general") == {"local": Experience(answered=1)}


def test_a_rating_counts_once_and_the_last_word_counts(board: Board) -> None:
    page = board.experience
    page.rated("testing", "local", True, None)
    page.rated("testing", "local", True, "good")
    assert page.of_type("testing")["local"] == Experience(good=1, praised=1)
    page.rated("testing", "local", False, "good")
    assert page.of_type("testing")["local"] == Experience(bad=1)
    page.rated("testing", "local", True, "bad")
    assert page.of_type("testing")["local"] == Experience(good=1, praised=1)


def test_a_bad_word_ends_the_praise(board: Board) -> None:
    for good in (True, True, False, True):
        board.experience.rated("testing", "local", good, None)
    assert board.experience.of_type("testing")["local"] == Experience(good=3, bad=1, praised=1)


def test_what_was_long_ago_weighs_less(board: Board) -> None:
    page = board.experience
    for _ in range(8):
        page.rated("testing", "local", False, None)
    for _ in range(FULL):
        page.poor("testing", "local")
    assert page.of_type("testing")["local"] == Experience(poor=FULL, bad=8)
    page.answered("testing", "local")
    assert page.of_type("testing")["local"] == Experience(answered=1, poor=FULL // 2, bad=4)
    for _ in range(FULL):
        page.answered("testing", "local")
    seen = page.of_type("testing")["local"]
    assert seen.answered > 2 * seen.poor
