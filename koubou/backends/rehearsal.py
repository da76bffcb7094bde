"""Answers from a script instead of a model: for tests, dry runs and measurements. Uses what the script says it used."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koubou.backends.port import Answer, CannotServe, Sink
from koubou.backends.script import BadScript, Cue, choose, read_script
from koubou.documents.reading import BadDocument
from koubou.model.call import Bill, Usage
from koubou.model.tier import Tier


class RehearsalBackend:
    """Plays the tier's script; without one, gives the same answer to everything at once."""

    def __init__(self, tier: Tier) -> None:
        self._cues = (Cue(),) if tier.script is None else _load(tier.name, tier.script)
        self._used = [0] * len(self._cues)

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """As the first rule says that matches and is not used up; with the default answer where none does."""
        sink.sent()
        index = choose(self._cues, self._used, _question(body))
        cue = Cue() if index is None else self._cues[index]
        if index is not None:
            self._used[index] += 1
        if cue.failure is not None:
            if cue.latency:
                await asyncio.sleep(cue.latency / 1000)
            error, bill = cue.failure
            return Answer(bill=bill, error=error)
        for piece in _pieces(cue.answer, cue.chunks):
            if cue.latency:
                await asyncio.sleep(cue.latency / cue.chunks / 1000)
            sink.write(piece)
        return Answer(
            bill=Bill.REPORTED,
            usage=cue.usage or _usage(body, cue.answer),
            finish_reason=cue.finish_reason,
            model=str(body.get("model", "rehearsal")),
        )

    async def close(self) -> None:
        """Nothing is held."""


def _load(tier: str, script: str) -> tuple[Cue, ...]:
    try:
        return read_script(Path(script).read_bytes(), name=Path(script).name)
    except OSError as error:
        raise CannotServe(
            f"tier {tier}: the script {script} cannot be read ({error.strerror})", "mend the path"
        ) from None
    except (BadScript, BadDocument) as error:
        raise CannotServe(f"tier {tier}: the script {script}: {error}", "mend the script") from None


def _question(body: Mapping[str, Any]) -> str:
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            return _text(message.get("content"))
    return ""


def _text(content: object) -> str:
    return content if isinstance(content, str) else ""


def _usage(body: Mapping[str, Any], answer: str) -> Usage:
    """A token for every four bytes, as the rough rule for English goes."""
    asked = sum(len(_text(message.get("content")).encode()) for message in body.get("messages", []))
    return Usage(input_tokens=_quarter(asked), output_tokens=_quarter(len(answer.encode())))


def _quarter(size: int) -> int:
    return -(-size // 4)


def _pieces(text: str, count: int) -> list[str]:
    if count == 1:
        return [text]
    length = max(1, -(-len(text) // count))
    return [text[start : start + length] for start in range(0, len(text), length)] or [""]
