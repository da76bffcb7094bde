"""How long things are kept after a task has ended, and what is to be removed."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from koubou.model.instant import Instant, Milliseconds


class Retention(Struct, frozen=True, kw_only=True):
    """How long the settings keep what; None = for good. Of a confidential task the shorter of two times counts."""

    completed: Milliseconds | None = None
    failed: Milliseconds | None = None
    confidential: Milliseconds | None = None
    runs: Milliseconds | None = None
    ids: Milliseconds | None = None
    rejected: Milliseconds | None = None


class Cutoffs(Struct, frozen=True, kw_only=True):
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


class Owed(Struct, frozen=True, kw_only=True):
    """A removal that is decided; the files may still be there."""

    task: int
    task_id: str
    what: Removal
