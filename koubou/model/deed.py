"""What the master owes the world after a turn's commit. Each is safe to do twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koubou.model.instant import Instant
from koubou.model.retention import Removal


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRun:
    """Tell a worker to run a task; owed on the board as `run.sent_at` until it is done."""

    task: int
    task_id: str
    run: int
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """Tell a worker to stop a run."""

    task_id: str
    run: int
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAway:
    """Shelve a task's answer or error; owed on the board as `task.filed_at` until it is done."""

    task: int
    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardClaim:
    """Remove a claimed file: its tasks are on the board."""

    claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectClaim:
    """Move a claimed file to rejected/ with the reason that is to stand beside it."""

    claim: str
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFiles:
    """Remove the files of an ended task; owed on the board as `task.removal` until it is done."""

    task: int
    task_id: str
    what: Removal


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRejected:
    """Remove what was refused before a moment, and drafts that a crash left before another; nobody owes it."""

    before: Instant
    drafts_before: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TellGuardian:
    """Tell the guardian what the board owes, each as `notice.told_at` until it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A line for the journal: one of the events of the vocabulary, with its fields."""

    event: str
    level: str
    fields: Mapping[str, Any]


Deed = SendRun | CancelRun | FileAway | DiscardClaim | RejectClaim | RemoveFiles | SweepRejected | TellGuardian | Say
