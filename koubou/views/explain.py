"""Why a task is where it is, in the shape of `koubou explain --json`, and in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from koubou.board.reading import Line, Reading, Rest
from koubou.board.shapes import park_shape, removed_shape
from koubou.model.access import Caller, Scope
from koubou.model.circuit import CircuitState
from koubou.model.decision import Finding
from koubou.model.instant import SECOND, Instant, iso
from koubou.model.phase import Phase
from koubou.model.status import ENDS, Park, ParkReason, Waiting
from koubou.model.task import Task
from koubou.rules.access import reach_of, reaches
from koubou.rules.admit import option_of, show_amount
from koubou.rules.guardrails import NOTE
from koubou.rules.latches import EMERGENCY, KEY, ended_by, stops_tier
from koubou.views import words
from koubou.views.queueing import Link, links, opens_at, park_of_rate, priority_shape, queue_shape, urgency
from koubou.views.show import gone_of
from koubou.views.why import stop_told, stop_told_to_others
from koubou.views.workshop import Workshop


class Explained(Struct, frozen=True, kw_only=True):
    """All that is known of why a task is where it is; `now` are sentences."""

    task: Task
    park: Park | None
    findings: Sequence[Finding]
    guardrails: Sequence[Finding]
    score: int | None
    history: Sequence[Line]
    released: Sequence[Line]
    queue: Mapping[str, int | None] | None
    priority: Mapping[str, Any] | None
    links: Sequence[Link]
    now: Sequence[str]


def needs_the_master(task: Task) -> bool:
    """Whether only the master can say what keeps it: the rate of its tier. He is asked before a picture is taken."""
    return task.waiting is Waiting.ADMIT and task.park is None


def explained(
    workshop: Workshop, board: Reading, found: Task, said: Mapping[str, Any], onlooker: Caller | None = None
) -> Explained:
    """Why this task is where it is, on one picture of the board; `said` is what the master told of himself.

    With an `onlooker` nothing that is not for him: other people's tasks, and why the workshop was stopped.
    """
    opens = opens_at(said, found.tier) if needs_the_master(found) else None
    with board.picture():
        task = board.task(found.id) or found
        gone = board.rest(task).text_removed_at is not None
        findings, score = ((), None) if gone else board.examination(task)
        told, queue = board.history(task), queue_shape(workshop, board, task, opens)
        return Explained(
            task=task,
            park=task.park or (park_of_rate(task.tier, opens) if queue else None),
            findings=[finding for finding in findings if finding.level != NOTE],
            guardrails=[finding for finding in findings if finding.level == NOTE],
            score=score,
            history=told,
            released=[line for line in told if line.event == "task.released"],
            queue=queue,
            priority=priority_shape(board, task, words.now()),
            links=links(board, task, _sees(onlooker)),
            now=list(_now(workshop, board, task, queue, opens, onlooker)),
        )


def explained_shape(why: Explained) -> dict[str, Any]:
    """The same as data."""
    task = why.task
    return {
        "id": task.id,
        "task": task.id,
        "status": task.status,
        "park": park_shape(why.park),
        "sensitivity": task.sensitivity,
        "findings": [asdict(finding) for finding in why.findings],
        "guardrails": [asdict(finding) for finding in why.guardrails],
        "difficulty": task.difficulty,
        "score": why.score,
        "route": [asdict(reason) for reason in task.route],
        "queue": why.queue,
        "priority": why.priority,
        "waits_for": [asdict(link) for link in why.links],
        "released": [{"actor": line.actor, "reason": line.reason} for line in why.released],
        "now": list(why.now),
    }


def _sees(onlooker: Caller | None) -> Callable[[Task], bool]:
    return lambda task: onlooker is None or reaches(onlooker, "explain", task.owner)


def _now(
    workshop: Workshop,
    board: Reading,
    task: Task,
    queue: Mapping[str, int | None] | None,
    opens: Instant | None,
    onlooker: Caller | None,
) -> Iterator[str]:
    """Sentences on why it is where it is now, and what changes that."""
    rest = board.rest(task)
    if task.status in ENDS:
        yield from _ended(task, rest)
        return
    stops = list(_stops(board, task, onlooker))
    if task.waiting is not Waiting.RUN:
        yield from stops
    if task.outcome is not None:
        yield f"its end is decided ({task.outcome}); its folder is being filed"
    elif task.park is not None:
        yield from _parked(board, task, task.park, rest, _sees(onlooker))
    elif task.waiting is Waiting.ADMIT:
        yield from _queued(workshop, board, task, queue or {}, opens)
    elif task.waiting is Waiting.RUN:
        yield from _at_work(board, task)
    else:
        yield f"it waits to be {'classified' if task.waiting is Waiting.CLASSIFY else 'given a tier'}, in the next turn"
    if task.waiting is Waiting.RUN:
        yield from stops
    if not workshop.served:
        yield "nobody serves the workshop now: nothing changes before koubou serve"


def _stops(board: Reading, task: Task, onlooker: Caller | None) -> Iterator[str]:
    """What a person stopped, or the workshop itself, that keeps its like from starting."""
    stops = [stop for stop in board.waits.stops() if stops_tier(stop.latch, task.tier)]
    for stop in sorted(stops, key=lambda stop: stop.latch != EMERGENCY):
        keeps = onlooker is None or reach_of(onlooker, "explain") is Scope.ALL
        yield stop_told(stop) if keeps else stop_told_to_others(stop)


def _ended(task: Task, rest: Rest) -> Iterator[str]:
    ended = f" at {iso(task.finished_at)}" if task.finished_at else ""
    yield f"it ended{ended}, after {task.attempts} run{'' if task.attempts == 1 else 's'}"
    if rest.error:
        code = f" ({rest.error['code']})" if rest.error.get("code") else ""
        yield f"{rest.error['class']}{code}: {rest.error['message']}"
        yield rest.error.get("remedy") or (
            f"koubou retry {task.id} tries it again" if rest.text_removed_at is None else "it cannot be tried again"
        )
    if (gone := gone_of(removed_shape(rest))) is not None:
        yield f"removed: {gone}"


def _parked(board: Reading, task: Task, park: Park, rest: Rest, sees: Callable[[Task], bool]) -> Iterator[str]:
    yield f"{park.reason}: {park.detail}"
    if park.until is not None:
        yield f"it goes on at {iso(park.until)} (in {words.lasting(park.until - words.now())})"
    match park.reason:
        case ParkReason.DEPENDENCY:
            yield from (link.told(task.id) for link in links(board, task, sees))
            yield from urgency(board, task)
        case ParkReason.BUDGET:
            yield from _breach(board, rest)
        case ParkReason.SECRECY:
            yield "it goes on when a local tier can take it, or when a person says that it is no secret:"
            yield f"koubou release {task.id} --as internal --reason …"
        case ParkReason.TIER if park.until is None:
            yield from _left_alone(board, park)
            yield "it goes on when a tier can take it; koubou status says what keeps each"
        case ParkReason.INTERRUPTED | ParkReason.OPERATOR:
            yield f"a person decides: koubou retry {task.id}, or koubou cancel {task.id}"


def _left_alone(board: Reading, park: Park) -> Iterator[str]:
    """Of the tiers that it waits for, those whose key is refused, and when each is looked at next."""
    for circuit in board.waits.circuits():
        tier, at = circuit.name.removeprefix(KEY), circuit.retry_at
        waits_for_key = circuit.name.startswith(KEY) and f"{tier} is not offered" in park.detail
        if waits_for_key and circuit.state is CircuitState.OPEN and at is not None:
            when = f"{iso(at)} (in {words.lasting(max(0, at - words.now()))})"
            yield f"{tier} is looked at next at {when}: {circuit.reason}; {ended_by(circuit.name)} tries it at once"


def _breach(board: Reading, rest: Rest) -> Iterator[str]:
    account = board.account(rest.park_account, rest.park_dimension or "usd") if rest.park_account else None
    if account is None or account.ceiling is None:
        return
    bearable = account.ceiling if rest.park_bearable is None else min(account.ceiling, rest.park_bearable)

    def show(amount: int) -> str:
        return show_amount(amount, account.dimension)

    need = f", {show(rest.park_need)} are needed" if rest.park_need is not None else ""
    held = f" ({show(account.held)} of it held)" if account.held else ""
    left = max(0, bearable - account.settled - account.held)
    used = show(account.settled + account.held)
    yield f"{account.name}: {used}{held} of {show(bearable)} used, {show(left)} left{need}"
    opens = f", and a new window opens at {iso(account.reopens)}" if account.reopens else ""
    yield f"it goes on when so much is left there{opens}"
    if rest.park_need is not None and rest.park_need > left:
        more = option_of(rest.park_need - left, account.dimension)
        yield f"koubou budget add {account.name.removeprefix('task:')} {more} gives so much; koubou budget shows all"


def _queued(
    workshop: Workshop, board: Reading, task: Task, queue: Mapping[str, int | None], opens: Instant | None
) -> Iterator[str]:
    running = board.running().get(task.tier or "", 0)
    ahead, wait = queue.get("ahead") or 0, queue.get("estimated_wait_s")
    place = "it is next" if ahead == 0 else f"{ahead} come{'s' if ahead == 1 else ''} first"
    about = "" if wait is None else f", about {words.lasting(wait * SECOND)} by the tier's last runs"
    yield f"it waits for a place in {task.tier}: {place} (the ripest first, a share for each submitter){about}"
    yield f"{task.tier} has {running} of {workshop.places.get(task.tier or '', 0)} places taken"
    if opens is not None:
        yield f"its rate, or its provider, lets the next call through at {iso(opens)}"
    if task.phase is Phase.JUDGE:
        yield f"the answer of run {task.answer_run} is in hand; {task.tier} is to judge it"
    elif task.phase is Phase.DIFFICULTY:
        yield f"{task.tier} is asked first how hard it is"
    yield from urgency(board, task)


def _at_work(board: Reading, task: Task) -> Iterator[str]:
    run = next((run for run in board.runs(task) if run.number == task.run), None)
    if run is None:
        return
    since = run.started_at or run.admitted_at
    yield f"run {run.number} is at work in {run.tier} by {run.worker}, for {words.lasting(words.now() - since)}"
    yield f"it may take {words.lasting(run.timeout)} at most; koubou follow {task.id} shows its answer"
