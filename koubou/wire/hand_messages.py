"""Everything that the master and its hands say to one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from koubou.model.heard import Arrived
from koubou.model.instant import Instant, Milliseconds
from koubou.model.policy import OPEN, Flag, Policy
from koubou.model.retention import Removal

# master → intake


class IntakeOrders(Struct, frozen=True, kw_only=True):
    """Where to look, and what may be taken in; said first, and again after a reload. Sizes in bytes.

    `agents` says that a tier works by programs that may look around in a workspace.
    """

    home: str
    settle: Milliseconds
    max_file: int
    max_attached: int
    min_free_disk: int
    roots: tuple[str, ...]
    tiers: tuple[str, ...]
    rule_cache: str
    targets: tuple[str, ...] = ()
    policy: Policy = OPEN
    agents: bool = False


class Taken(Struct, frozen=True, kw_only=True):
    """The tasks of these claims are on the board: their files can go."""

    claims: tuple[str, ...]


class Reject(Struct, frozen=True, kw_only=True):
    """The board will not have this claim; `error` is the error part of its reason."""

    claim: str
    error: Mapping[str, Any]


class Pause(Struct, frozen=True, kw_only=True):
    """Take nothing more in, for this reason; None = go on."""

    reason: str | None


# intake → master


class Watching(Struct, frozen=True, kw_only=True):
    """The bell hangs: whatever is dropped from now on is seen at once."""


class Told(Struct, frozen=True, kw_only=True):
    """A line for the journal."""

    event: str
    level: str
    fields: Mapping[str, Any]


# master → shelving


class Prepare(Struct, frozen=True, kw_only=True):
    """Tasks are coming: load the detector that looks at answers, whose compiled rules are kept here."""

    rule_cache: str


class Shelve(Struct, frozen=True, kw_only=True):
    """Put a task's folder on its shelf. `paper` is its output.json or error.json, but for what only the record knows.

    `task` is the board's number of it, `run` the run whose record holds the answer (0 = it never ran),
    `owner` the uid that may read what is shelved.
    """

    home: str
    task: int
    task_id: str
    run: int
    owner: int
    completed: bool
    source: str
    request: str
    paper: Mapping[str, Any]


class Remove(Struct, frozen=True, kw_only=True):
    """Remove the files of an ended task: `what` is runs, text or purge (`model.retention.Removal`)."""

    home: str
    task: int
    task_id: str
    what: Removal


class Sweep(Struct, frozen=True, kw_only=True):
    """Remove what was refused before a moment, and drafts that a crash left before another."""

    home: str
    before: Instant
    drafts_before: Instant


# shelving → master


class Shelved(Struct, frozen=True, kw_only=True):
    """A task's papers stand on their shelf, durably. `flags`: what the detector saw in its answer."""

    task: int
    flags: tuple[Flag, ...] = ()


class NotShelved(Struct, frozen=True, kw_only=True):
    """They do not, yet: it stays owed. `reason` is a word of the system, not of the task."""

    task: int
    reason: str


class Removed(Struct, frozen=True, kw_only=True):
    """The files are gone; so many bytes of disk are free again."""

    task: int
    what: Removal
    freed: int


class NotRemoved(Struct, frozen=True, kw_only=True):
    """They are not, yet: it stays owed."""

    task: int
    reason: str


class Swept(Struct, frozen=True, kw_only=True):
    """So many refused files are gone. `reason` where the disk would not let go of more."""

    count: int
    freed: int
    more: bool
    reason: str = ""


FromHand = Watching | Arrived | Told | Shelved | NotShelved | Removed | NotRemoved | Swept
ToHand = IntakeOrders | Taken | Reject | Pause | Prepare | Shelve | Remove | Sweep
