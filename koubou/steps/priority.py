"""What changes how urgent a task is: a person who says so, and the use of its own budget."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from koubou.errors import IllegalMove, NotAllowed, UsageMistake
from koubou.model.access import Scope
from koubou.model.account import Account, Dimension
from koubou.model.heard import Asked
from koubou.model.instant import Instant
from koubou.model.status import Waiting
from koubou.model.task import PRIORITIES, Task
from koubou.rules.access import reach_of
from koubou.rules.priority import RIPE, is_half_used
from koubou.steps.shop import Shop


def weigh(shop: Shop, task_id: str, accounts: Collection[Account]) -> None:
    """A call was settled on these accounts: who has used more than half of his own budget goes a step back."""
    own = f"task:{task_id}"
    if any(account.name == own and is_half_used(account) for account in accounts):
        shop.board.tasks.weighed(task_id, half_used=True)


def weigh_anew(shop: Shop, name: str) -> None:
    """A person gave an account more, or a new period: if it is a task's own, less of it may be used now."""
    kind, _, task_id = name.partition(":")
    if kind == "task":
        accounts = (shop.board.ledger.account(name, dimension) for dimension in Dimension)
        half_used = any(account is not None and is_half_used(account) for account in accounts)
        shop.board.tasks.weighed(task_id, half_used=half_used)


def prioritize(shop: Shop, asked: Asked, task: Task, level: int, now: Instant) -> str:
    """Another priority for a task that waits; whoever may drop it as urgent may also call it so later."""
    if task.outcome is not None or task.waiting not in (Waiting.CLASSIFY, Waiting.ROUTE, Waiting.ADMIT):
        ended = task.outcome is not None or task.waiting is None
        raise IllegalMove(f"task {task.id} {'has ended' if ended else 'is at work'}: it waits for nobody")
    most = task.bounds.priority
    if most is not None and level > most and reach_of(asked.caller, asked.verb) is not Scope.ALL:
        raise NotAllowed(f"task {task.id} may have priority {most} at most: an operator may give it more")
    shop.board.tasks.prioritized(task, level, now)
    shop.note(task, "task.prioritized", f"{task.priority} → {level} by {asked.caller.actor}", now, asked.caller)
    return f"has priority {level}"


def level_of(arguments: Mapping[str, Any]) -> int:
    """The priority that is asked for, by its word or as a number. Raises UsageMistake."""
    level = arguments.get("level")
    found = PRIORITIES.get(level) if isinstance(level, str) else level
    if type(found) is not int or not 1 <= found <= RIPE:
        raise UsageMistake(f"a priority is {', '.join(PRIORITIES)}, or 1 to {RIPE} (10 first)")
    return found
