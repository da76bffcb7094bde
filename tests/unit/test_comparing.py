"""Asking whose work is the best, and understanding what is said."""

from __future__ import annotations

import pytest

from koubou.rules.comparing import MOST, chosen, comparison, text_of, verdict_body
from tests.builders import a_tier


@pytest.mark.parametrize(
    ("reply", "best"),
    [
        ("BEST: 2", 1),
        ("It is 2 of course.\nBEST: 1.", 0),
        ("BEST: 1? No.\n**BEST:** 2", 1),
        ("BEST: 3", None),
        ("BEST: 0", None),
        ("the second", None),
        ("", None),
    ],
)
def test_the_last_number_that_it_calls_best_counts(reply: str, best: int | None) -> None:
    assert chosen(reply, 2) == best


def test_what_is_long_is_shown_by_its_ends() -> None:
    asked = comparison("t" * 5, [("done", "x" * MOST + "y" * MOST), ("done too", "z")])
    assert len(asked) < 3 * MOST
    assert "characters are left out" in asked
    assert "<work number=2>" in asked


def test_it_is_asked_in_the_api_that_the_agent_speaks() -> None:
    path, body = verdict_body(a_tier(executor="claude"), "who?")
    assert (path, body["messages"]) == ("/v1/messages", [{"role": "user", "content": "who?"}])
    path, body = verdict_body(a_tier(executor="codex"), "who?")
    assert (path, body["store"]) == ("/v1/responses", False)
    said = {"output": [{"type": "reasoning"}, {"content": [{"type": "output_text", "text": "BEST: 1"}]}]}
    assert text_of(said) == text_of({"content": [{"type": "text", "text": "BEST: 1"}]}) == "BEST: 1"
    assert text_of({"error": {}}) == ""
