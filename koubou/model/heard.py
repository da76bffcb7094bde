"""What woke the master, as values: the only input of a turn besides the board and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koubou.model.call import CallResult
from koubou.model.circuit import Health
from koubou.model.notice import Channel, NotTold, Told
from koubou.model.policy import Flag
from koubou.model.retention import Removal
from koubou.model.task import NewTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A claimed file was read and examined; all of its documents are taken, or none."""

    claim: str
    name: str
    tasks: tuple[NewTask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A worker says that a run's call is under way."""

    task: str
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A run is over; its record is durable."""

    result: CallResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSent:
    """A run was handed to its worker."""

    task: int
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUnsendable:
    """A run could not be handed over: nothing went out, nothing was billed. `for_good`: it never can be."""

    task: int
    run: int
    reason: str
    for_good: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerGone:
    """A worker has ended; what it had under way is lost unless a record of it stands in `results`, by task and run."""

    worker: str
    reason: str
    on_purpose: bool
    results: Mapping[tuple[str, int], CallResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The server behind an open circuit was asked how it is."""

    circuit: str
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A task's answer or error stands in its folder, fsynced; `flags` are what a detector saw in it on the way."""

    task: int
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionDue:
    """It is time to see what has been kept long enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesRemoved:
    """The files of an ended task are gone; so many bytes of disk are free again."""

    task: int
    what: Removal
    freed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A person or program asks for a change through the control socket; the answer goes into `reply`."""

    verb: str
    actor: str
    uid: int
    operator: bool
    arguments: Mapping[str, Any]
    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTold:
    """The guardian was told, by the try of this number."""

    incident: str
    channel: Channel
    tries: int
    how: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFailed:
    """The try of this number to tell the guardian failed, as far as anybody knows."""

    incident: str
    channel: Channel
    tries: int
    why: NotTold


Heard = (
    Arrived
    | RunStarted
    | RunFinished
    | RunSent
    | RunUnsendable
    | WorkerGone
    | Checked
    | Filed
    | RetentionDue
    | FilesRemoved
    | Asked
    | NoticeTold
    | NoticeFailed
)
