"""koubou explain: why a task is where it is, by which rule and numbers, and what changes that."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from koubou.board.reading import Reading, Rest
    from koubou.cli.workshop import Workshop
    from koubou.model.instant import Instant
    from koubou.model.status import Park
    from koubou.model.task import Task


_BESIDES = frozenset(
    {"task.upgraded", "task.judged", "task.incomplete", "task.rated", "guardrail.flagged", "guardrail.noted"}
)
_MOST_BESIDES = 12


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou explain fix-login-123")


def run(arguments: argparse.Namespace) -> int:
    from msgspec.structs import asdict

    from koubou.board.shapes import park_shape
    from koubou.cli import say
    from koubou.cli.find import find
    from koubou.cli.looking import reading
    from koubou.cli.queueing import links, opens_at, park_of_rate, priority_shape, queue_shape
    from koubou.cli.workshop import workshop_of
    from koubou.model.status import Waiting
    from koubou.rules.guardrails import NOTE

    workshop = workshop_of(arguments)
    with reading(workshop, "explain", f"koubou show {arguments.id} tells where it stands and why") as board:
        found = find(workshop, board, arguments.id)
        # The master is asked once, and before the picture is taken: nobody waits for it with the board open.
        opens = opens_at(workshop, found.tier) if found.waiting is Waiting.ADMIT and found.park is None else None
        with board.picture():
            task = board.task(found.id) or found
            gone = board.rest(task).text_removed_at is not None
            findings, score = ((), None) if gone else board.examination(task)
            told = board.history(task)
            released = [line for line in told if line.event == "task.released"]
            queue, priority = queue_shape(workshop, board, task, opens), priority_shape(board, task, say.now())
            chain = links(board, task)
            now = list(_now(workshop, board, task, queue, opens))
    if arguments.json:
        say.print_json(
            {
                "id": task.id,
                "task": task.id,
                "status": task.status,
                "park": park_shape(task.park or (park_of_rate(task.tier, opens) if queue else None)),
                "sensitivity": task.sensitivity,
                "findings": [asdict(finding) for finding in findings if finding.level != NOTE],
                "guardrails": [asdict(finding) for finding in findings if finding.level == NOTE],
                "difficulty": task.difficulty,
                "score": score,
                "route": [asdict(reason) for reason in task.route],
                "queue": queue,
                "priority": priority,
                "waits_for": [asdict(link) for link in chain],
                "released": [{"actor": line.actor, "reason": line.reason} for line in released],
                "now": now,
            }
        )
        return 0
    parked = f", parked: {task.park.reason}" if task.park else ""
    print(f"{say.paint(task.id, 'bold')} is {task.status}{parked}")
    for sentence in now:
        print(f"  {say.one_line(sentence)}")
    if task.sensitivity is not None:
        print(f"  it is {task.sensitivity}, and its difficulty is {task.difficulty}")
    if task.route:
        print("\nHow it came here:")
        for reason in task.route:
            print(f"  {reason.rule:<22}{say.one_line(reason.reason)}")
    for line in released:
        print(f"  {'released':<22}{say.one_line(line.reason)}")
    if events := [line for line in told if line.event in _BESIDES]:
        print("\nWhat else came of it:")
        for line in events[-_MOST_BESIDES:]:
            print(f"  {line.event:<22}{say.one_line(line.reason)}")
    if secret := [seen for seen in findings if seen.level != NOTE]:
        print("\nWhat looks secret in it:")
        for seen in secret:
            sample = f": {say.one_line(seen.sample)}…" if seen.sample else ""
            print(f"  {seen.category:<22}{seen.where}, line {seen.line}{sample} ({seen.rule})")
    if noted := [seen for seen in findings if seen.level == NOTE]:
        print("\nWhat the guardrails noted:")
        for seen in noted:
            print(f"  {seen.category:<22}{seen.where}, line {seen.line} ({seen.rule})")
    return 0


def _now(
    workshop: Workshop, board: Reading, task: Task, queue: Mapping[str, int | None] | None, opens: Instant | None
) -> Iterator[str]:
    """Sentences on why it is where it is now, and what changes that."""
    from koubou.model.status import ENDS, Waiting

    rest = board.rest(task)
    if task.status in ENDS:
        yield from _ended(task, rest)
        return
    stops = list(_stops(board, task))
    if task.waiting is not Waiting.RUN:
        yield from stops
    if task.outcome is not None:
        yield f"its end is decided ({task.outcome}); its folder is being filed"
    elif task.park is not None:
        yield from _parked(board, task, task.park, rest)
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


def _stops(board: Reading, task: Task) -> Iterator[str]:
    """What a person stopped, or the workshop itself, that keeps its like from starting."""
    from koubou.cli.why import stop_told
    from koubou.rules.latches import EMERGENCY, stops_tier

    stops = [stop for stop in board.waits.stops() if stops_tier(stop.latch, task.tier)]
    for stop in sorted(stops, key=lambda stop: stop.latch != EMERGENCY):
        yield stop_told(stop)


def _ended(task: Task, rest: Rest) -> Iterator[str]:
    from koubou.board.shapes import removed_shape
    from koubou.cli.show import gone_of
    from koubou.model.instant import iso

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


def _parked(board: Reading, task: Task, park: Park, rest: Rest) -> Iterator[str]:
    from koubou.cli import say
    from koubou.cli.queueing import links, urgency
    from koubou.model.instant import iso
    from koubou.model.status import ParkReason

    yield f"{park.reason}: {park.detail}"
    if park.until is not None:
        yield f"it goes on at {iso(park.until)} (in {say.lasting(park.until - say.now())})"
    match park.reason:
        case ParkReason.DEPENDENCY:
            yield from (link.told(task.id) for link in links(board, task))
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
    from koubou.cli import say
    from koubou.model.circuit import CircuitState
    from koubou.model.instant import iso
    from koubou.rules.latches import KEY, ended_by

    for circuit in board.waits.circuits():
        tier, at = circuit.name.removeprefix(KEY), circuit.retry_at
        waits_for_key = circuit.name.startswith(KEY) and f"{tier} is not offered" in park.detail
        if waits_for_key and circuit.state is CircuitState.OPEN and at is not None:
            when = f"{iso(at)} (in {say.lasting(max(0, at - say.now()))})"
            yield f"{tier} is looked at next at {when}: {circuit.reason}; {ended_by(circuit.name)} tries it at once"


def _breach(board: Reading, rest: Rest) -> Iterator[str]:
    from koubou.model.instant import iso
    from koubou.rules.admit import option_of, show_amount

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
    from koubou.cli import say
    from koubou.cli.queueing import urgency
    from koubou.model.instant import SECOND, iso
    from koubou.model.phase import Phase

    running = board.running().get(task.tier or "", 0)
    ahead, wait = queue.get("ahead") or 0, queue.get("estimated_wait_s")
    place = "it is next" if ahead == 0 else f"{ahead} come{'s' if ahead == 1 else ''} first"
    about = "" if wait is None else f", about {say.lasting(wait * SECOND)} by the tier's last runs"
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
    from koubou.cli import say

    run = next((run for run in board.runs(task) if run.number == task.run), None)
    if run is None:
        return
    since = run.started_at or run.admitted_at
    yield f"run {run.number} is at work in {run.tier} by {run.worker}, for {say.lasting(say.now() - since)}"
    yield f"it may take {say.lasting(run.timeout)} at most; koubou follow {task.id} shows its answer"
