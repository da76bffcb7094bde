"""What woke the master, as values: the only input of a turn besides the board and the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou.model.access import Caller
from koubou.model.agent import Deeds
from koubou.model.call import CallResult
from koubou.model.circuit import Health
from koubou.model.gate import Wanted
from koubou.model.notice import Channel, NotTold, Told
from koubou.model.policy import Flag
from koubou.model.retention import Removal
from koubou.model.task import NewTask


class Arrived(Struct, frozen=True, kw_only=True):
    """A claimed file was read and examined; all of its documents are taken, or none.

    `groups` are its owner's at that moment; `actor` and `source` say who gave it, and how (`Caller`).
    """

    claim: str
    name: str
    tasks: tuple[NewTask, ...]
    groups: tuple[int, ...] = ()
    actor: str = ""
    source: str = "folder"


class RunStarted(Struct, frozen=True, kw_only=True):
    """A worker says that a run's call is under way."""

    task: str
    run: int


class RunFinished(Struct, frozen=True, kw_only=True):
    """A run is over; its record is durable."""

    result: CallResult


class RunSent(Struct, frozen=True, kw_only=True):
    """A run was handed to its worker."""

    task: int
    run: int


class RunUnsendable(Struct, frozen=True, kw_only=True):
    """A run could not be handed over: nothing went out, nothing was billed. `for_good`: it never can be."""

    task: int
    run: int
    reason: str
    for_good: bool = False


class CallAsked(Struct, frozen=True, kw_only=True):
    """A call of an agent waits at the gate; the answer goes to the worker of its run."""

    wanted: Wanted


class CallEnded(Struct, frozen=True, kw_only=True):
    """A call of an agent has ended; its run goes on."""

    result: CallResult


class AgentTold(Struct, frozen=True, kw_only=True):
    """What an agent's events say so far."""

    task: str
    run: int
    session: str | None
    deeds: Deeds


class WorkerGone(Struct, frozen=True, kw_only=True):
    """A worker has ended; what it had under way is lost unless a record of it stands in `results`, by task and run.

    `calls` are those of its agents that have left a line.
    """

    worker: str
    reason: str
    on_purpose: bool
    results: Mapping[tuple[str, int], CallResult]
    calls: Sequence[CallResult] = ()


class Checked(Struct, frozen=True, kw_only=True):
    """The server behind an open circuit was asked how it is."""

    circuit: str
    health: Health


class Filed(Struct, frozen=True, kw_only=True):
    """A task's answer or error stands in its folder, fsynced; `flags` are what a detector saw in it on the way."""

    task: int
    flags: tuple[Flag, ...] = ()


class RetentionDue(Struct, frozen=True, kw_only=True):
    """It is time to see what has been kept long enough."""


class FilesRemoved(Struct, frozen=True, kw_only=True):
    """The files of an ended task are gone; so many bytes of disk are free again."""

    task: int
    what: Removal
    freed: int


class Asked(Struct, frozen=True, kw_only=True):
    """A person or program asks for a change through the control socket; the answer goes into `reply`."""

    verb: str
    caller: Caller
    arguments: Mapping[str, Any]
    ticket: int


class TurnedAway(Struct, frozen=True, kw_only=True):
    """Somebody asked for what he may not do, and was told so before a turn came to it."""

    caller: Caller
    verb: str


class SettingsRead(Struct, frozen=True, kw_only=True):
    """The settings were read anew because somebody wanted it; `problems` is how many kept them from being taken."""

    caller: Caller
    problems: int


class SpendDue(Struct, frozen=True, kw_only=True):
    """It is time to see who spends far more than usual."""


class NoticeTold(Struct, frozen=True, kw_only=True):
    """The guardian was told, by the try of this number."""

    incident: str
    channel: Channel
    tries: int
    how: Told


class NoticeFailed(Struct, frozen=True, kw_only=True):
    """The try of this number to tell the guardian failed, as far as anybody knows."""

    incident: str
    channel: Channel
    tries: int
    why: NotTold


class IssueClosed(Struct, frozen=True, kw_only=True):
    """A person has closed the issue of a stop that lasts: what is behind this circuit is to be looked at now."""

    incident: str
    circuit: str
    issue: int


Heard = (
    Arrived
    | RunStarted
    | RunFinished
    | RunSent
    | RunUnsendable
    | CallAsked
    | CallEnded
    | AgentTold
    | WorkerGone
    | Checked
    | Filed
    | RetentionDue
    | FilesRemoved
    | Asked
    | TurnedAway
    | SettingsRead
    | SpendDue
    | NoticeTold
    | NoticeFailed
    | IssueClosed
)
