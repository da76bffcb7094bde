"""What the master owes the world after a turn's commit. Each is safe to do twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from koubou.model.gate import Denied, Granted
from koubou.model.instant import Instant
from koubou.model.retention import Removal


class SendRun(Struct, frozen=True, kw_only=True):
    """Tell a worker to run a task; owed on the board as `run.sent_at` until it is done."""

    task: int
    task_id: str
    run: int
    worker: str


class CancelRun(Struct, frozen=True, kw_only=True):
    """Tell a worker to stop a run."""

    task_id: str
    run: int
    worker: str


class AnswerCall(Struct, frozen=True, kw_only=True):
    """Tell a run's worker whether a call of its agent may be sent; where nobody hears it, its hold is given back."""

    task_id: str
    run: int
    worker: str | None
    answer: Granted | Denied


class FileAway(Struct, frozen=True, kw_only=True):
    """Shelve a task's answer or error; owed on the board as `task.filed_at` until it is done."""

    task: int
    task_id: str


class DiscardClaim(Struct, frozen=True, kw_only=True):
    """Remove a claimed file: its tasks are on the board."""

    claim: str


class RejectClaim(Struct, frozen=True, kw_only=True):
    """Move a claimed file to rejected/ with the reason that is to stand beside it."""

    claim: str
    error: Mapping[str, Any]


class RemoveFiles(Struct, frozen=True, kw_only=True):
    """Remove the files of an ended task; owed on the board as `task.removal` until it is done."""

    task: int
    task_id: str
    what: Removal


class SweepRejected(Struct, frozen=True, kw_only=True):
    """Remove what was refused before a moment, and drafts that a crash left before another; nobody owes it."""

    before: Instant
    drafts_before: Instant


class TellGuardian(Struct, frozen=True, kw_only=True):
    """Tell the guardian what the board owes, each as `notice.told_at` until it is done."""


class Say(Struct, frozen=True, kw_only=True):
    """A line for the journal: one of the events of the vocabulary, with its fields."""

    event: str
    level: str
    fields: Mapping[str, Any]


Deed = (
    SendRun
    | CancelRun
    | AnswerCall
    | FileAway
    | DiscardClaim
    | RejectClaim
    | RemoveFiles
    | SweepRejected
    | TellGuardian
    | Say
)
