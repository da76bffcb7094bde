"""What a key asks of the master: the question before, the request, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from koubou.cli.top.words import Say
from koubou.rules.latches import pause_of


class Wish(Struct, frozen=True, kw_only=True):
    """A request for the master's control socket; `outcome` tells what he answered, and whether it was done."""

    question: str
    verb: str
    arguments: Mapping[str, Any]
    outcome: Callable[[Mapping[str, Any]], tuple[str, bool]]


def wish_to_change(verb: str, task: str, say: Say) -> Wish:
    """To cancel or retry one task."""

    def outcome(answer: Mapping[str, Any]) -> tuple[str, bool]:
        result = answer["results"][0]
        return f"{result['id']}: {result['message']}", bool(result["ok"])

    return Wish(question=say(f"ask_{verb}", what=task), verb=verb, arguments={"ids": [task]}, outcome=outcome)


def wish_to_pause(tier: str | None, latches: Mapping[str, str], say: Say) -> Wish:
    """To pause a tier (None = everything) that goes on, or to let one go on that is paused."""
    what = tier or say("everything")
    if pause_of(tier) not in latches:
        return Wish(
            question=say("ask_pause", what=what),
            verb="pause",
            arguments={"tier": tier, "reason": None},
            outcome=lambda answer: (say("done_paused", what=what), True) if answer["paused"] else ("", False),
        )

    def resumed(answer: Mapping[str, Any]) -> tuple[str, bool]:
        done = bool(answer["resumed"])
        return say("done_resumed" if done else "not_paused", what=what), done

    return Wish(question=say("ask_resume", what=what), verb="resume", arguments={"tier": tier}, outcome=resumed)
