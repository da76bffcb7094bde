"""A task's life: whatever happens to it, each move is in the table, and it ends, or says what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from koubou.errors import IllegalMove
from koubou.model.call import Bill, ErrorClass
from koubou.model.heard import Filed, RunFinished, RunSent, RunStarted, RunUnsendable, WorkerGone
from koubou.model.instant import HOUR, SECOND
from koubou.model.status import ENDS, TRANSITIONS, Move, Status, Waiting, after
from tests.audit import Audited
from tests.builders import a_budget, a_new_task, a_result, a_secret, an_error

NAME = "a-task"

EVENTS: Mapping[str, Sequence[Move]] = {
    "task.classified": (Move.CLASSIFIED,),
    "task.routed": (Move.ROUTED,),
    "task.parked": (Move.PARKED,),
    "task.admitted": (Move.ADMITTED,),
    "task.started": (Move.STARTED,),
    # A try that is to wait is parked; one that is not goes back to route at once.
    "task.retried": (Move.RETRIED, Move.PARKED),
    "task.upgraded": (Move.RETRIED,),
    "task.completed": (Move.COMPLETED,),
    "task.finished": (Move.FINISHED,),
    "task.failed": (Move.FAILED,),
    "task.cancelled": (Move.CANCELLED,),
}


def finished(**how: object) -> Callable[[Audited], object]:
    """Its worker tells how the call ended, whether or not there is one."""

    def tell(shop: Audited) -> object:
        task = shop.task()
        run = shop.board.runs.get(task.seq, task.run)
        call = run.call if run else "none"
        return shop.turn(RunFinished(result=a_result(NAME, task.run, call, **how)))

    return tell


def failed(kind: ErrorClass, bill: Bill = Bill.NONE) -> Callable[[Audited], object]:
    return finished(bill=bill, usage=None, error=an_error(kind))


def gone(on_purpose: bool) -> Callable[[Audited], object]:
    return lambda shop: shop.turn(
        *[WorkerGone(worker=bench.worker, reason="killed", on_purpose=on_purpose, results={}) for bench in shop.benches]
    )


def begun(shop: Audited) -> object:
    task = shop.task()
    return shop.turn(RunSent(task=task.seq, run=task.run), RunStarted(task=NAME, run=task.run))


def unsendable(shop: Audited) -> object:
    task = shop.task()
    run = shop.board.runs.get(task.seq, task.run)
    if run is None or run.sent_at is not None:
        return None
    return shop.turn(RunUnsendable(task=task.seq, run=task.run, reason="too long", for_good=True))


def filed(shop: Audited) -> object:
    return shop.turn(*[Filed(task=seq) for seq, _ in shop.board.tasks.owed_filings(9)])


def later(by: int) -> Callable[[Audited], object]:
    def wait(shop: Audited) -> object:
        shop.now += by
        return shop.turn()

    return wait


def crew(*rooms: int) -> Callable[[Audited], object]:
    full = Audited().benches

    def change(shop: Audited) -> object:
        shop.benches = [bench for bench, room in zip(full, rooms, strict=True) if room]
        return shop.turn()

    return change


def money(monthly: int | None) -> Callable[[Audited], object]:
    def change(shop: Audited) -> object:
        shop.budget = a_budget(monthly=monthly)
        return shop.turn()

    return change


HAPPENINGS: Mapping[str, Callable[[Audited], object]] = {
    "begun": begun,
    "answered": finished(),
    "cut short": finished(finish_reason="length", bill=Bill.UNKNOWN, usage=None),
    "slow down": failed(ErrorClass.RATE),
    "server error": failed(ErrorClass.SERVER),
    "timed out": failed(ErrorClass.TIMEOUT, Bill.UNKNOWN),
    "no quota": failed(ErrorClass.QUOTA),
    "too long": failed(ErrorClass.CONTEXT),
    "bad request": failed(ErrorClass.BAD_REQUEST),
    "stopped": failed(ErrorClass.CANCELLED, Bill.UNKNOWN),
    "worker died": gone(False),
    "worker sent home": gone(True),
    "unsendable": unsendable,
    "filed": filed,
    "cancel": lambda shop: shop.ask("cancel", ids=[NAME]),
    "retry": lambda shop: shop.ask("retry", ids=[NAME]),
    "release": lambda shop: shop.ask("release", id=NAME, to="public", reason="a false alarm"),
    "latch": lambda shop: shop.ask("latch"),
    "resume": lambda shop: shop.ask("resume_budget", reason="well"),
    "a second": later(SECOND),
    "an hour": later(HOUR),
    "nobody there": crew(0, 0, 0),
    "only local": crew(0, 0, 1),
    "all there": crew(1, 1, 1),
    "no money": money(0),
    "little money": money(21_000_000),
    "money": money(None),
}

WISHES = some.fixed_dictionaries(
    {},
    optional={
        "not_before": some.just(Audited().now + HOUR),
        "expires_at": some.just(Audited().now + HOUR // 2),
        "on_interrupt": some.just("hold"),
        "retries": some.integers(0, 2),
        "findings": some.just((a_secret(),)),
        "depends_on": some.just(("never-dropped",)),
        "tier": some.sampled_from(["high", "local", "medium"]),
    },
)


@given(WISHES, some.lists(some.sampled_from(list(HAPPENINGS)), max_size=14))
@example({"not_before": Audited().now + HOUR}, ["cancel", "filed", "retry", "an hour"])  # tried again unclassified
@example({}, ["begun", "worker died", "begun", "worker died", "begun", "worker died", "retry"])
@example({}, ["cancel", "answered", "filed", "retry"])  # the answer was quicker than the wish
@example({}, ["server error", "a second", "server error"])  # failed twice, and another tier can do it
@example({"retries": 0}, ["server error", "server error", "filed", "retry", "answered", "filed"])
def test_every_move_is_in_the_table_and_a_task_ends_or_says_what_it_waits_for(
    wishes: dict[str, object], happenings: list[str]
) -> None:
    shop = Audited()
    shop.drop(a_new_task(NAME, **wishes))
    for happening in happenings:
        HAPPENINGS[happening](shop)
    assert shop.task().status in told(shop)
    come_to_rest(shop)
    task = shop.task()
    assert task.status in told(shop)
    assert task.status in ENDS or task.park is not None
    if task.park is not None:
        assert task.park.detail
        assert task.park.until is None, "what only waits for its time has been given it"
    shop.auditor.at_rest()


def told(shop: Audited) -> set[Status]:
    """Where the history says that the task can stand; IllegalMove where it tells what cannot be."""
    stands = {Status.PENDING}
    for event in shop.events()[1:]:
        if event == "task.released" or event == "task.cancel_asked":
            stands |= {Status.ROUTING} if event == "task.released" else set()
            continue
        stands = {
            TRANSITIONS[status][move] for status in stands for move in EVENTS[event] if move in TRANSITIONS[status]
        }
        assert stands, shop.events()
    return stands


def come_to_rest(shop: Audited) -> None:
    """Give the task all it can want, until nothing moves any more."""
    HAPPENINGS["all there"](shop)
    HAPPENINGS["money"](shop)
    HAPPENINGS["resume"](shop)
    for _ in range(9):
        while (task := shop.task()).waiting is Waiting.RUN:
            shop.start()
            shop.finish()
        filed(shop)
        if task.park is None or task.park.until is None:
            return
        shop.now = max(shop.now, task.park.until)
        shop.turn()


@given(some.lists(some.sampled_from(Move), max_size=12))
def test_the_table_leads_only_to_known_places_and_out_of_an_end_only_by_another_try(moves: list[Move]) -> None:
    status = Status.PENDING
    for move in moves:
        try:
            reached = after(status, move)
        except IllegalMove:
            assert move not in TRANSITIONS[status]
            continue
        assert status not in ENDS or move is Move.RETRIED
        assert (reached in ENDS) == (move in (Move.COMPLETED, Move.FINISHED, Move.CANCELLED, Move.FAILED))
        at_work = status in (Status.ASSIGNED, Status.IN_PROGRESS)
        assert move is not Move.COMPLETED or at_work
        assert reached is not Status.IN_PROGRESS or status is Status.ASSIGNED
        status = reached


def test_a_task_is_admitted_only_from_where_it_has_a_tier() -> None:
    """Nothing comes to work but by way of route: what goes back, goes back there."""
    assert {status for status, moves in TRANSITIONS.items() if Move.ADMITTED in moves} == {Status.PENDING}
    for status in set(Status) - {Status.PENDING, Status.ROUTING}:
        with pytest.raises(IllegalMove):
            after(status, Move.ROUTED)
