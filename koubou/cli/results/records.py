"""One task's result: what became of it, and its answer where the caller may read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from koubou.cli.say import note
from koubou.model.instant import iso_or_none
from koubou.model.money import usd
from koubou.model.status import ENDS, Status
from koubou.views.answers import record_of

if TYPE_CHECKING:
    from koubou.board.results import Result
    from koubou.views.workshop import Workshop

NAMES = (
    *("id", "status", "answer", "error_class", "error_message", "cost_usd", "tokens"),
    *("tier", "type", "session", "complete", "finished_at"),
)
"""What each result has, in this order, before its metadata."""
UNKNOWN = "unknown"
"""The status of a row whose task is not on the board, or not the caller's."""


class Records:
    """Results one by one; what could not be read is told of at the end."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._unread = 0

    def of_board(self, result: Result) -> dict[str, Any]:
        """By what the board has, and the answer from its shelf."""
        paper = self._paper(result.id, result.status)
        if result.status is Status.COMPLETED and "answer" not in paper and result.text_removed_at is None:
            self._unread += 1
        error = result.error if result.status in ENDS else None
        return {
            "id": result.id,
            "status": str(result.status),
            "answer": paper.get("answer"),
            "error_class": error.get("class") if error else None,
            "error_message": error.get("message") if error else None,
            "cost_usd": usd(result.cost),
            "tokens": result.tokens,
            "tier": result.tier,
            "type": result.type,
            "session": result.session,
            "complete": paper.get("complete"),
            "finished_at": iso_or_none(result.finished_at),
            "metadata": dict(result.metadata),
        }

    def of_shelf(self, task_id: str, status: Status, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """By its papers alone, for who may not read the board."""
        paper = self._paper(task_id, status)
        if status is Status.COMPLETED and "answer" not in paper:
            self._unread += 1
        error, usage = paper.get("error") or {}, paper.get("usage") or {}
        known = {name: paper.get(name) for name in NAMES if name in paper}
        return {
            **dict.fromkeys(NAMES),
            **known,
            "id": task_id,
            "status": str(status),
            "error_class": error.get("class"),
            "error_message": error.get("message"),
            "tokens": usage.get("input_tokens", 0) + usage.get("output_tokens", 0) if usage else None,
            "metadata": dict(metadata),
        }

    def unknown(self, task_id: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Of a task that is not there."""
        return {**dict.fromkeys(NAMES), "id": task_id, "status": UNKNOWN, "metadata": dict(metadata)}

    def tell(self) -> None:
        """Say what could not be read."""
        if self._unread:
            note(f"{self._unread:,} answers are not there, or not for you to read")

    def _paper(self, task_id: str, status: Status) -> Mapping[str, Any]:
        """The same door as that of `koubou log`: whoever may not open the file gets no answer."""
        return record_of(self._workshop, task_id, status) if status in ENDS else {}
