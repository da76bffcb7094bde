"""職人, the crew: workers started on demand, sent home when idle, and what their ends mean."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.member import Member
from koubou.master.orphans import Orphans
from koubou.master.out_of_memory import OutOfMemory
from koubou.master.recover import OldCrew
from koubou.master.workshop import Workshop
from koubou.model.instant import SECOND
from koubou.model.tier import Tier
from koubou.model.worker import Bench
from koubou.wire.messages import VERSION, FromWorker, Welcome

BEAT_EVERY = 2 * SECOND
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_LIVED_WELL = 30.0
_JITTER = 0.5


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a tier answers, when that is not what the settings say (the embedded model)."""

    base_url: str
    api_key: str


class Crew:
    """All workers. `heard` gets what they say; `gone` the member, whether it was meant to go, and why it went.

    `chance` is a number from 0 to 1 that spreads what would else happen at once.
    """

    def __init__(
        self,
        workshop: Workshop,
        journal: Journal,
        *,
        new_id: Callable[[], str],
        heard: Callable[[FromWorker], None],
        gone: Callable[[Member, bool, str], None],
        chance: Callable[[], float],
    ) -> None:
        self.workshop = workshop
        self.members: dict[str, Member] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.halted: dict[str, str] = {}
        self.waiting_for_server: set[str] = set()
        self._journal = journal
        self._new_id = new_id
        self._heard = heard
        self._gone = gone
        self._starting: dict[str, int] = {}
        self._waits: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._born: dict[str, float] = {}
        self._chance = chance
        self._out_of_memory = OutOfMemory()
        self.children = Children()
        self.orphans = Orphans(workshop.layout.home, journal, self.children)
        self.old: OldCrew | None = None

    def tiers(self) -> Mapping[str, Tier]:
        """The tiers as they can be offered now: a halted one says why it is not."""
        return {
            name: replace(tier, unfit=self.halted[name]) if name in self.halted and tier.unfit is None else tier
            for name, tier in self.workshop.tiers.items()
        }

    def benches(self) -> Sequence[Bench]:
        """Who takes work now, and how much at once."""
        return [
            Bench(worker=member.identity.id, tier=member.tier.name, room=member.tier.concurrency)
            for member in self.members.values()
            if member.ready and not member.leaving and member.tier == self.workshop.tiers.get(member.tier.name)
        ]

    def wanted(self, queued: Mapping[str, int], taken: Mapping[str, int]) -> list[Tier]:
        """Tiers that should get one more worker now: work waits, all places are taken, and the crew may grow."""
        now = asyncio.get_running_loop().time()
        found = []
        for name, tier in self.tiers().items():
            crew = [member for member in self.members.values() if member.tier.name == name and not member.leaving]
            count = len(crew) + self._starting.get(name, 0)
            if tier.unfit is not None or name in self.waiting_for_server or self._not_before.get(name, 0.0) > now:
                continue
            room = count * tier.concurrency - sum(taken.get(member.identity.id, 0) for member in crew)
            if count < tier.workers_min or (count < tier.workers_max and queued.get(name, 0) > room):
                found.append(tier)
        return found

    async def hire(self, tier: Tier) -> Member | None:
        """Start a worker for a tier; None when the machine cannot, and then not again for a while."""
        name = f"{tier.name}-{self._new_id()}"
        endpoint = self.endpoints.get(tier.name)
        keys = (endpoint.api_key,) if endpoint else self.workshop.keys.get(tier.name, ())
        serves = replace(tier, base_url=endpoint.base_url) if endpoint else tier
        welcome = Welcome(
            version=VERSION,
            tier=serves,
            api_keys=keys,
            member_keys=self._member_keys(tier),
            beat_every=BEAT_EVERY,
            orphan_grace=self.workshop.workers.orphan_grace,
        )
        self._starting[tier.name] = self._starting.get(tier.name, 0) + 1
        try:
            member = await Member.start(
                name, tier, welcome, children=self.children, heard=self._heard, gone=self._ended
            )
        except OSError as error:
            self._back_off(tier.name)
            self._journal.say("worker.lost", "error", tier=tier.name, reason=f"cannot be started: {error}")
            return None
        finally:
            self._starting[tier.name] -= 1
        self.members[name] = member
        new_keys = not endpoint and keys != self.workshop.keys.get(tier.name, ())
        new_keys = new_keys or welcome.member_keys != self._member_keys(tier)
        if tier != self.workshop.tiers.get(tier.name) or new_keys:
            member.retire()  # the settings have changed while it was being started
        self._born[name] = asyncio.get_running_loop().time()
        self._journal.say("worker.started", worker=name, tier=tier.name, pid=member.identity.pid)
        return member

    def _member_keys(self, tier: Tier) -> Mapping[str, tuple[str, ...]]:
        """The keys of those of whom a hybrid tier is made."""
        return {member.name: self.workshop.keys.get(member.name, ()) for member in tier.members}

    def send_home(self, taken: Mapping[str, int]) -> None:
        """Retire who has had nothing to do for the idle time, but keep each tier's least crew."""
        now = asyncio.get_running_loop().time()
        for member in list(self.members.values()):
            if taken.get(member.identity.id, 0) or not member.ready or member.leaving:
                member.idle_since = None if not member.leaving else member.idle_since
                continue
            if member.idle_since is None:
                member.idle_since = now
            tier = member.tier.name
            peers = sum(other.tier.name == tier and not other.leaving for other in self.members.values())
            idle = (now - member.idle_since) * SECOND
            if idle >= self.workshop.workers.idle_timeout and peers > member.tier.workers_min:
                member.retire()

    def retire_changed(self, workshop: Workshop) -> None:
        """After a reload: who serves a tier that is no more as it was finishes what it has and goes."""
        old, self.workshop = self.workshop, workshop
        for member in self.members.values():
            name = member.tier.name
            key_changed = old.keys.get(name) != workshop.keys.get(name)
            if workshop.tiers.get(name) != old.tiers.get(name) or key_changed:
                member.retire()
        self.halted.clear()
        self._not_before.clear()
        self._waits.clear()

    def retire_all(self) -> None:
        """Everybody finishes what he has and goes."""
        for member in self.members.values():
            member.retire()

    def kill_all(self) -> None:
        """Everybody is ended at once; records that were left count."""
        for member in self.members.values():
            member.leaving = True
            member.child.signal(signal.SIGKILL)
        if self.old is not None:
            self.old.kill()

    def _ended(self, member: Member, status: int) -> None:
        name, tier = member.identity.id, member.tier.name
        del self.members[name]
        lived = asyncio.get_running_loop().time() - self._born.pop(name)
        hung = member.hung_at is not None
        meant = (member.leaving or member.child.killed) and not hung
        reason = _why(status, member, out_of_memory=self._out_of_memory.happened())
        if member.unable is not None:
            self.halted[tier] = f"{member.unable.message}; {member.unable.remedy}"
            self._journal.say("tier.degraded", "error", tier=tier, reason=self.halted[tier])
        elif meant:
            self._waits.pop(tier, None)
        else:
            if lived >= _LIVED_WELL:
                self._waits.pop(tier, None)
            self._back_off(tier)
        event, level = ("worker.retired", "info") if meant and status == 0 else ("worker.lost", "warning")
        stack = {"stack": member.child.last_words} if member.child.last_words else {}
        self._journal.say(event, level, worker=name, tier=tier, reason=reason, **stack)
        self.orphans.end(name, then=partial(self._gone, member, meant, reason))

    def _back_off(self, tier: str) -> None:
        wait = self._waits.get(tier, 0.0)
        self._waits[tier] = wait = min(max(_FIRST_WAIT, wait * 2), _LONGEST_WAIT)
        # Jitter on top: crews of many tiers that lost their server together do not come back together.
        self._not_before[tier] = asyncio.get_running_loop().time() + wait * (1 + _JITTER * self._chance())


def _why(status: int, member: Member, *, out_of_memory: bool) -> str:
    if member.unable is not None:
        return member.unable.message
    if member.hung_at is not None:
        return "the worker hung and was ended"
    if member.child.killed:
        return "the workshop was stopped at once"
    if status >= 0:
        return f"the worker ended with status {status}"
    name = signal.Signals(-status).name
    if out_of_memory:
        return "the kernel ended the worker: out of memory"
    return f"the worker was ended by {name}"
