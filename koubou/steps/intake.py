"""Take what was read from a claimed file onto the board: all of its documents, or none."""

from __future__ import annotations

from koubou.errors import BOARD_FAULTS, Problem, TaskFileError
from koubou.model.access import Caller, Scope
from koubou.model.deed import DiscardClaim, RejectClaim
from koubou.model.heard import Arrived
from koubou.model.instant import Instant
from koubou.model.task import NewTask
from koubou.rules.access import reach_of, role_of
from koubou.rules.cycles import in_a_circle
from koubou.rules.submitting import beyond_bounds, bound, bounds_of
from koubou.steps.alarms import turned_away
from koubou.steps.shop import Shop

NOT_ALLOWED = "not_allowed"
"""The class of a file whose owner asks for more than he may."""


def intake(shop: Shop, now: Instant) -> int:
    """Insert the tasks of each file that arrived; return how many files were dealt with."""
    arrivals = list(shop.of(Arrived))
    for arrived in arrivals:
        _take(shop, arrived, now)
    return len(arrivals)


def _take(shop: Shop, arrived: Arrived, now: Instant) -> None:
    mark = len(shop.deeds)
    try:
        with shop.board.savepoint():
            if not shop.board.tasks.of_claim(arrived.claim):
                for new in arrived.tasks:
                    _insert(shop, arrived, new, now)
                _check_circles(shop, arrived)
        shop.deeds.append(DiscardClaim(claim=arrived.claim))
    except TaskFileError as refusal:
        del shop.deeds[mark:]
        shop.deeds.append(RejectClaim(claim=arrived.claim, error=refusal.as_json()))
        shop.say("task.rejected", "warning", file=arrived.name, error_class=refusal.kind)
        if refusal.kind == NOT_ALLOWED:
            turned_away(shop, _giver(shop, arrived, arrived.tasks[0].owner), "submit", now)
    except BOARD_FAULTS:
        raise
    except Exception as error:  # noqa: BLE001 - one file must never keep the turn from the others
        del shop.deeds[mark:]
        bug = _refusal(arrived, "internal", "", f"cannot be taken in: a bug, {type(error).__name__}; please report it")
        shop.deeds.append(RejectClaim(claim=arrived.claim, error=bug.as_json()))
        shop.say("intake.fault", "error", file=arrived.name, reason=str(bug))


def _insert(shop: Shop, arrived: Arrived, new: NewTask, now: Instant) -> None:
    known = shop.board.tasks.identity(new.id)
    if known is not None:
        _same_again(shop, arrived, new, known, now)
        return
    new = _within_bounds(shop, arrived, new)
    _check_needs(shop, arrived, new)
    seq = shop.board.tasks.insert(new, now)
    shop.board.history.add(seq, "task.enqueued", f"from {arrived.name}", now, _giver(shop, arrived, new.owner))
    shop.say("task.enqueued", task=new.id, file=arrived.name, document=new.document)


def _giver(shop: Shop, arrived: Arrived, owner: int) -> Caller:
    role = role_of(owner, arrived.groups, shop.access, house=owner in shop.access.house)
    return Caller(actor=arrived.actor or f"uid {owner}", role=role, uid=owner, source=arrived.source)


def _within_bounds(shop: Shop, arrived: Arrived, new: NewTask) -> NewTask:
    """The task with what its owner may ask for. Raises TaskFileError where it asks for more."""
    bounds = bounds_of(new.owner, arrived.groups, shop.access)
    why = None
    if reach_of(_giver(shop, arrived, new.owner), "submit") is Scope.NONE:
        why = "a viewer may not submit tasks: ask an operator for another role (security.roles)"
    elif (beyond := beyond_bounds(new, bounds)) is not None:
        why = f"{beyond}: ask for less, or ask an operator for other bounds (security.bounds)"
    if why is None:
        return bound(new, bounds)
    raise _refusal(arrived, NOT_ALLOWED, "", why)


def _same_again(shop: Shop, arrived: Arrived, new: NewTask, known: tuple[str, str, int], now: Instant) -> None:
    task_id, digest, owner = known
    if owner != new.owner or digest != new.digest:
        raise _refusal(
            arrived,
            "duplicate_id",
            "id",
            f'a task with the id "{new.id}" exists and asks for something else: choose another id, or none',
        )
    first = shop.board.tasks.get(task_id)
    if first is not None:
        shop.note(first, "task.duplicate", f"the same again in {arrived.name}; one task is enough", now)


def _check_needs(shop: Shop, arrived: Arrived, new: NewTask) -> None:
    for needed in new.depends_on:
        known = shop.board.tasks.identity(needed)
        if known is not None and known[2] != new.owner:
            raise _refusal(arrived, "permission", "depends_on", f'task "{needed}" belongs to somebody else')


def _check_circles(shop: Shop, arrived: Arrived) -> None:
    waiting = [new.id for new in arrived.tasks if new.depends_on]
    if not waiting:
        return
    if shop.board.tasks.needed_elsewhere(waiting, arrived.claim):
        edges = shop.board.tasks.edges_behind(waiting)
    else:  # nobody waited for these before: a circle can only be among them
        edges = [(new.id.lower(), needed.lower()) for new in arrived.tasks for needed in new.depends_on]
    circle = in_a_circle(edges)
    if circle is not None:
        raise _refusal(arrived, "cycle", "depends_on", f'task "{circle}" would wait for itself')


def _refusal(arrived: Arrived, kind: str, key: str, message: str) -> TaskFileError:
    return TaskFileError(kind, Problem(file=arrived.name, key=key, message=message))
