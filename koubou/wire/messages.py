"""Everything that master and worker say to one another. VERSION changes when a word does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from koubou.model.agent import Deeds, Work
from koubou.model.call import CallResult
from koubou.model.gate import Denied, Granted, Wanted
from koubou.model.instant import Instant, Milliseconds
from koubou.model.phase import Phase
from koubou.model.policy import OPEN, Policy
from koubou.model.task import Attachment
from koubou.model.tier import Tier

VERSION = 5


# worker → master


class Hello(Struct, frozen=True, kw_only=True):
    """The first word of a worker: who it is and which version it speaks."""

    version: int
    worker: str
    pid: int


class Ready(Struct, frozen=True, kw_only=True):
    """The worker has imported what it needs and takes work."""


class Started(Struct, frozen=True, kw_only=True):
    """A run's call is under way: from here on it may cost money."""

    task: str
    run: int


class Finished(Struct, frozen=True, kw_only=True):
    """A run is over and its record is durable in its folder."""

    result: CallResult


class CallWanted(Struct, frozen=True, kw_only=True):
    """An agent's call waits at the gate."""

    wanted: Wanted


class CallDone(Struct, frozen=True, kw_only=True):
    """A call that was let through has ended, and a line of the run's `calls.jsonl` says so; the run goes on."""

    result: CallResult


class AgentSays(Struct, frozen=True, kw_only=True):
    """What is to be kept of a run of an agent, also if nothing further is heard of it: its session, what it did."""

    task: str
    run: int
    session: str | None = None
    deeds: Deeds = Deeds()


class Beat(Struct, frozen=True, kw_only=True):
    """The worker's loop turns; `running` runs are under way."""

    running: int


class Unable(Struct, frozen=True, kw_only=True):
    """The worker cannot work as it was told (bad script, missing package …) and ends; a person must act."""

    message: str
    remedy: str


# master → worker


class Welcome(Struct, frozen=True, kw_only=True):
    """What the worker serves: its tier, the keys in their order (never logged or stored), and its leash.

    `member_keys` are those of the members of a hybrid tier, by the names of their tiers.
    """

    version: int
    tier: Tier
    api_keys: tuple[str, ...]
    member_keys: Mapping[str, tuple[str, ...]] = {}
    beat_every: Milliseconds
    orphan_grace: Milliseconds

    def keys_of(self, tier: str) -> tuple[str, ...]:
        """The keys of the tier, or of a member of it."""
        return self.api_keys if tier == self.tier.name else self.member_keys.get(tier, ())

    def __repr__(self) -> str:
        return f"Welcome(version={self.version}, tier={self.tier.name!r})"


class Assign(Struct, frozen=True, kw_only=True):
    """Run this: `body` is the request as it is to be sent, `folder` the run's own folder.

    `purpose` says for what (`model.phase.Phase`); a complete answer names the parts of `expect` and meets `schema`.
    Where `home` is given the worker makes the folder first, with the task's own: its `source` and `attachments`.
    `policy` says what should not be in the answer; with `rules`, a folder of compiled ones, the detector looks too.
    `work` is for agents.
    """

    task: str
    run: int
    call: str
    folder: str
    body: Mapping[str, Any]
    timeout: Milliseconds
    purpose: Phase = Phase.ANSWER
    expect: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    home: str | None = None
    source: str = ""
    attachments: tuple[Attachment, ...] = ()
    policy: Policy = OPEN
    rules: str | None = None
    work: Work | None = None


class CallGranted(Struct, frozen=True, kw_only=True):
    """An agent's call may be sent."""

    granted: Granted


class CallDenied(Struct, frozen=True, kw_only=True):
    """An agent's call may not be sent."""

    denied: Denied


class Cancel(Struct, frozen=True, kw_only=True):
    """Stop this run now."""

    task: str
    run: int


class Retire(Struct, frozen=True, kw_only=True):
    """Take nothing new, finish what is under way, and end."""

    deadline: Instant | None = None


FromWorker = Hello | Ready | Started | Finished | CallWanted | CallDone | AgentSays | Beat | Unable
ToWorker = Welcome | Assign | CallGranted | CallDenied | Cancel | Retire
