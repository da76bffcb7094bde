"""Take place, rate and money together, for as many tasks as there are free places; nothing is held without a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from koubou.errors import IllegalMove
from koubou.model.account import Amounts, Bearer, Dimension, Entry
from koubou.model.decision import Admitted, Breach, Refused
from koubou.model.deed import SendRun
from koubou.model.instant import Instant
from koubou.model.money import FREE, Price
from koubou.model.phase import Phase
from koubou.model.run import Run
from koubou.model.task import Task
from koubou.model.tier import Reach, Tier
from koubou.rules.admit import ask_accounts, least_amounts
from koubou.rules.asides import asked_cap, asked_of, may_be_asked
from koubou.rules.bound import bounded_input
from koubou.rules.estimate import of_call
from koubou.rules.gate import first_request
from koubou.rules.latches import EMERGENCY, is_paused
from koubou.rules.limits import Asking, bearer
from koubou.rules.route import is_secret, out_of_bounds
from koubou.rules.suited import why_open
from koubou.steps.after_run import settle_for, without_aside
from koubou.steps.deal import next_in
from koubou.steps.ending import fail
from koubou.steps.locks import has_locks_free
from koubou.steps.pace import is_being_tried, is_half_open, open_at, take
from koubou.steps.shop import Shop


def admit(shop: Shop, now: Instant) -> int:
    """Admit tasks in dispatch order; return how many were looked at."""
    latches = shop.board.crew.latches()
    if EMERGENCY in latches:
        return 0
    taken, apart = shop.board.runs.open_count(), shop.board.runs.apart()
    looked_at = 0
    for tier in shop.tiers.values():
        if tier.unfit is not None or is_paused(tier.name, latches):
            continue
        rooms = {
            bench.worker: bench.room - taken.get(bench.worker, 0)
            for bench in shop.benches
            if bench.tier == tier.name and bench.worker not in apart
        }
        rooms = {worker: room for worker, room in rooms.items() if room > 0}
        if rooms and is_half_open(shop, tier):
            # One call at a time, on whatever worker.
            rooms = {} if is_being_tried(shop, tier) else {next(iter(rooms)): 1}
        most = looked_at + shop.batch
        # Who cannot be borne leaves its place to the next, who may need less.
        while rooms and looked_at < most and _conforms(shop, tier, now):
            dealt_with = _fill(shop, tier, rooms, taken, now)
            looked_at += dealt_with
            if dealt_with == 0:
                break
    return looked_at


def _fill(shop: Shop, tier: Tier, rooms: dict[str, int], taken: dict[str, int], now: Instant) -> int:
    """Admit as many of a tier's tasks as there is room for; return how many were looked at, who wait here no more."""
    looked_at = 0
    for task in next_in(shop, tier.name, min(sum(rooms.values()), shop.batch)):
        if not rooms:
            break
        worker = _own_worker(rooms, taken) if task.suspect else max(rooms, key=lambda name: rooms[name])
        if worker is None:
            continue
        before = len(shop.deeds)
        shop.apart(now, task.id, _admit, shop, task, tier, worker, rooms, now)
        looked_at += 1
        if any(isinstance(deed, SendRun) for deed in shop.deeds[before:]):
            rooms[worker] -= 1
            taken[worker] = taken.get(worker, 0) + 1
            if rooms[worker] == 0 or task.suspect:
                del rooms[worker]
            if not _conforms(shop, tier, now):
                break
    return looked_at


def _own_worker(rooms: dict[str, int], taken: Mapping[str, int]) -> str | None:
    """A worker without work for a task that is tried apart; else the least busy one takes nothing more until it is."""
    quietest = min(rooms, key=lambda name: taken.get(name, 0))
    if taken.get(quietest, 0) == 0:
        return quietest
    del rooms[quietest]
    return None


def _admit(shop: Shop, task: Task, tier: Tier, worker: str, rooms: dict[str, int], now: Instant) -> None:
    if tier.reach is not Reach.LOCAL and is_secret(task):
        # The tier was another when the task was routed, or the task more public: it chooses again.
        shop.board.tasks.rerouted(task, now)
        shop.note(task, "task.retried", f"{tier.name} is not local any more, and the task is {task.sensitivity}", now)
        return
    if (why := out_of_bounds(task, tier)) is not None:
        shop.board.tasks.rerouted(task, now)
        shop.note(task, "task.retried", why, now)
        return
    if is_secret(task) and (why := why_open(tier)) is not None:
        shop.board.tasks.rerouted(task, now)
        shop.note(task, "task.retried", f"{why} now, and the task is {task.sensitivity}", now)
        return
    if not may_be_asked(task, tier, shop.board.runs.get):
        shop.board.tasks.rerouted(task, now)
        shop.note(task, "task.retried", f"{tier.name} may not read the answer any more", now)
        return
    if task.has_locks and task.phase is Phase.ANSWER and not has_locks_free(shop, task, now):
        return
    if tier.price is None:
        raise IllegalMove(f"{tier.name} has no price")
    input_tokens = input_of(task, tier)
    cap = asked_cap(task, tier)
    bearers = bearers_of(shop, task, tier, tier.price, input_tokens, now, cap=cap)
    decision = ask_accounts(tier=tier, price=tier.price, input_tokens=input_tokens, asked_cap=cap, accounts=bearers)
    match decision:
        case Admitted() if not _conforms(shop, tier, now, decision.hold.tokens):
            rooms.clear()  # it is its turn still when the tier bears so many tokens, and nobody goes before it
        case Breach() | Refused() if task.phase is Phase.DIFFICULTY:
            without_aside(shop, task, "no money for the question", now)
        case Breach() | Refused() if settle_for(shop, task, "no money for another call", now):
            pass
        case Admitted():
            _start(shop, task, tier, worker, decision, bearers, now)
        case Breach(park=park):
            shop.board.tasks.parked(task, park, now, decision)
            shop.note(task, "task.parked", park.detail, now, park=str(park.reason), until=park.until)
        case Refused():
            fail(shop, task, decision, now)


def input_of(task: Task, tier: Tier) -> int:
    """The most that the input of its first call can count as."""
    size, count = asked_of(task)
    return bounded_input(tier, size + (first_request(tier.executor) if tier.metered else 0), count)


def _start(
    shop: Shop, task: Task, tier: Tier, worker: str, admitted: Admitted, bearers: Sequence[Bearer], now: Instant
) -> None:
    price = tier.price or FREE
    tokens, cost = of_call(task, price, admitted.cap, shop.budget.usual_output.get(task.type))
    number = shop.board.tasks.admitted(task, cost, tokens, now)
    call = shop.new_id()
    hold, held_price = admitted.hold, price
    if tier.metered:
        # What its agent asks a model is held for call by call, at the gate: the run itself holds its time.
        hold, held_price = Amounts(time=admitted.timeout), FREE
        bearers = [bearer for bearer in bearers if bearer.account.dimension == Dimension.TIME]
    entry = Entry(
        call=call,
        task=task.id,
        operation=task.type,
        run=number,
        tier=tier.name,
        model=tier.model,
        accounts=tuple(bearer.account.key for bearer in bearers),
        price=held_price,
        session=task.session,
        submitter=task.owner,
    )
    if not shop.board.ledger.hold(entry, hold, bearers, now):
        raise IllegalMove("an account refused a hold that the rule had granted")
    shop.board.runs.insert(
        Run(
            task=task.seq,
            number=number,
            tier=tier.name,
            worker=worker,
            call=call,
            cap=admitted.cap,
            timeout=admitted.timeout,
            admitted_at=now,
            purpose=task.phase,
            executor=tier.executor,
        )
    )
    if not tier.metered:
        take(shop, tier, hold.tokens, now)
    waited: Mapping[str, Any] = {"waited_ms": now - task.waiting_since} if number == 1 else {}
    shop.note(task, "task.admitted", admitted.reason, now, run=number, tier=tier.name, call=call, **waited)
    shop.deeds.append(SendRun(task=task.seq, task_id=task.id, run=number, worker=worker))


def bearers_of(
    shop: Shop,
    task: Task,
    tier: Tier,
    price: Price,
    input_tokens: int,
    now: Instant,
    *,
    cap: int | None,
    critical: bool = False,
) -> list[Bearer]:
    """The accounts that a call touches, brought up to date with the settings, as this call finds them.

    `cap` is the output that it asks for at most, None where it does not say.
    """
    least = least_amounts(tier=tier, price=price, input_tokens=input_tokens, asked_cap=cap)
    asking = Asking(
        task=task,
        tier=tier.name,
        model=tier.model,
        executor=tier.executor,
        least_usd=least.usd,
        least_tokens=least.tokens,
        free=price.free,
        critical=critical,
    )
    limits = list(shop.limits.of_call(asking, now))
    return [
        bearer(account, limit)
        for account, limit in zip(shop.board.ledger.open_accounts(limits, now), limits, strict=True)
    ]


def _conforms(shop: Shop, tier: Tier, now: Instant, tokens: int = 0) -> bool:
    """Whether the tier may be asked now, for so many tokens; if not, the next turn comes when it may."""
    opens = open_at(shop, tier, now, tokens)
    if opens <= now:
        return True
    if shop.board.tasks.queued_up_to(tier.name, 1):
        shop.wake_by(opens)
        if opens > now + shop.routing.patience and shop.board.tasks.leave_asides(tier.name, now):
            shop.wake_by(now)  # answers in hand wait for nobody so long
    return False
