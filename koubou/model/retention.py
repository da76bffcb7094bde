"""How long things are kept after a task has ended, and what is to be removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from koubou.model.instant import Instant, Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the settings keep what; None = for good. Of a confidential task the shorter of two times counts."""

    completed: Milliseconds | None = None
    failed: Milliseconds | None = None
    confidential: Milliseconds | None = None
    runs: Milliseconds | None = None
    ids: Milliseconds | None = None
    rejected: Milliseconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """The same as moments: what ended before goes. NEVER = nothing does."""

    completed: Instant
    failed: Instant
    confidential: Instant
    runs: Instant
    ids: Instant
    rejected: Instant


NEVER: Instant = -1
"""Nothing ended before this."""


class Removal(StrEnum):
    """What goes of a task: the records of its calls; its text and answer too; everything but the bare id."""

    RUNS = "runs"
    TEXT = "text"
    PURGE = "purge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A removal that is decided; the files may still be there."""

    task: int
    task_id: str
    what: Removal
