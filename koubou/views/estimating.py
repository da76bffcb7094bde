"""How an estimate is made: files are read and examined as the intake does, and a turn is rehearsed for each task."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from koubou.config.operations import operations_of
from koubou.config.security_settings import policy_of
from koubou.folders.requests import digest
from koubou.model.account import NOTHING, Amounts
from koubou.model.call import Usage
from koubou.model.decision import Admitted, Reason
from koubou.model.money import FREE, Nano
from koubou.model.task import Examination, TaskRequest
from koubou.model.tier import Tier
from koubou.rules.admit import ask_accounts, least_amounts
from koubou.rules.bound import bounded_input
from koubou.rules.estimate import Operation, Room, expected, operation_for, prompt_tokens, rooms_in
from koubou.rules.examine import examine
from koubou.rules.intake import new_task
from koubou.rules.price import cost
from koubou.rules.request_body import conversation
from koubou.views.draft import limits_of, requests_of_file
from koubou.views.rehearse import Rehearsed, Stage

if TYPE_CHECKING:
    from koubou.detectors.kingfisher import Kingfisher
    from koubou.views.workshop import Workshop

_CLAIM = "rehearsal"


class Call(Struct, frozen=True, kw_only=True):
    """The first call of a task: what it probably uses and costs, what is held for it, and how many such fit."""

    tier: Tier
    operation: Operation | None
    usage: Usage
    cost: Nano
    hold: Amounts
    cap: int
    rooms: Sequence[Room]
    never: bool

    @property
    def how_many(self) -> int | None:
        """By the tightest account; None = any number."""
        if self.never:
            return 0
        return min((room.fit for room in self.rooms if room.fit is not None), default=None)


class Estimate(Struct, frozen=True, kw_only=True):
    """All that can be said of one document. `fits` None: it waits for something other than money, as `verdict` says.

    `call` is None where no tier can take it now.
    """

    file: str
    document: int
    id: str | None
    title: str
    type: str
    difficulty: str
    score: int
    sensitivity: str
    route: Sequence[Reason]
    call: Call | None
    fits: bool | None
    verdict: str
    notes: Sequence[str]


class Estimating:
    """Estimates for one workshop; `operation` is taken for the kind of work of every task, None = by its type."""

    def __init__(self, workshop: Workshop, operation: str | None) -> None:
        from koubou.views.words import now

        self._limits = limits_of(workshop.settings)
        self._operations = operations_of(workshop.settings.operations)
        self._operation = self._operations[operation] if operation else None
        self._policy = policy_of(workshop.settings.security)
        self._stage = Stage(workshop, now())

    @property
    def notes(self) -> Sequence[str]:
        """What every estimate takes for granted."""
        return self._stage.notes

    def of_file(self, path: str) -> Iterator[Estimate]:
        """An estimate for each document of a task file. Raises TaskFileError for what the intake would reject."""
        for number, request in enumerate(requests_of_file(path, self._limits), start=1):
            yield self._of(request, "standard input" if path == "-" else path, number)

    def _of(self, request: TaskRequest, file: str, document: int) -> Estimate:
        seen = self._examined(request)
        # What it waits for is told, and not waited for: the question is what it costs once it runs.
        ready = replace(request, not_before=None, expires_at=None, depends_on=(), inputs={}, locks=())
        same, owner = digest(request), os.getuid()
        new = new_task(ready, seen, claim=_CLAIM, document=document, owner=owner, digest=same, source="")
        played = self._stage.play(new)
        return Estimate(
            file=file,
            document=document,
            id=request.id,
            title=request.title,
            type=seen.type,
            difficulty=str(played.task.difficulty),
            score=seen.score,
            sensitivity=str(played.task.sensitivity),
            route=played.task.route,
            call=None if played.tier is None else self._call(request, seen, played, played.tier),
            fits=played.fits,
            verdict=_verdict(played, request),
            notes=list(_waits(request)),
        )

    def _call(self, request: TaskRequest, seen: Examination, played: Rehearsed, tier: Tier) -> Call:
        price, asked = tier.price or FREE, request.max_output_tokens
        bound = bounded_input(tier, seen.input_bytes, seen.message_count)
        hold = played.hold
        if hold is None:
            alone = ask_accounts(tier=tier, price=price, input_tokens=bound, asked_cap=asked, accounts=())
            hold = alone.hold if isinstance(alone, Admitted) else NOTHING
        cap = hold.tokens - bound
        operation = self._operation or operation_for(seen.type, self._operations)
        own = prompt_tokens(conversation(request, {}))
        usage = expected(own, operation, executor=tier.executor, input_bound=bound, cap=cap)
        least = least_amounts(tier=tier, price=price, input_tokens=bound, asked_cap=asked)
        probably = Amounts(usd=cost(usage, price), tokens=usage.input_tokens + usage.output_tokens, calls=1)
        return Call(
            tier=tier,
            operation=operation,
            usage=usage,
            cost=probably.usd,
            hold=hold,
            cap=cap,
            rooms=rooms_in(played.bearers, probably, least),
            never=played.never,
        )

    def _examined(self, request: TaskRequest) -> Examination:
        """As the intake looks at it: where our own rules have found a secret, the detector could only find more."""
        return examine(request, lambda texts: self._detector.scan_texts(texts), self._policy, owner=os.getuid())

    @cached_property
    def _detector(self) -> Kingfisher:
        from koubou.detectors.kingfisher import Kingfisher
        from koubou.embedded.weights import default_models_dir

        return Kingfisher(default_models_dir().with_name("rules"))


def _verdict(played: Rehearsed, request: TaskRequest) -> str:
    """Without the id that only the rehearsal has given it."""
    return played.verdict if request.id else played.verdict.replace(f"task:{played.task.id}", "its own account")


def _waits(request: TaskRequest) -> Iterator[str]:
    """What the figures leave out."""
    if request.inputs:
        named = ", ".join(sorted(set(request.inputs.values())))
        yield f"the answers of {named} come on top; where one of them is confidential, so is this"
    elif request.depends_on:
        yield f"it waits for {', '.join(request.depends_on)}"
    if request.not_before is not None:
        yield "it has a time before which it does not start; money may stand otherwise by then"
