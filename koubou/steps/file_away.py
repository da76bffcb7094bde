"""Note what was shelved: only now the task is what its outcome says, for the folder and for everybody who asks."""

from __future__ import annotations

from koubou.model.heard import Filed
from koubou.model.instant import Instant
from koubou.model.money import show_usd
from koubou.model.status import Status
from koubou.model.task import Task
from koubou.steps.guard import flagged
from koubou.steps.notify import owe_word
from koubou.steps.shop import Shop


def file_away(shop: Shop, now: Instant) -> int:
    """Return how many tasks were filed."""
    filed = list(shop.of(Filed))
    for message in filed:
        shop.apart(now, None, _filed, shop, message, now)
    return len(filed)


def _filed(shop: Shop, message: Filed, now: Instant) -> None:
    task = shop.board.tasks.filed(message.task, now)
    if task is None:
        return
    task = flagged(shop, task, message.flags, now)
    error = {} if task.status is Status.COMPLETED else shop.board.tasks.error_of(task.seq) or {}
    why = ": ".join(str(error[name]) for name in ("class", "code") if error.get(name))
    reason = f"{why and f'{why}; '}{task.attempts} run{'s' if task.attempts != 1 else ''}, {show_usd(task.cost)}"
    shop.note(
        task, f"task.{task.status}", reason, now, tier=task.tier, type=task.type, nusd=task.cost, wall_ms=_wall(task)
    )
    owe_word(shop, task, now)
    for needer in shop.board.tasks.needers(task.id):
        shop.board.tasks.unparked(needer, now)


def _wall(task: Task) -> int | None:
    if task.finished_at is None:
        return None
    return task.finished_at - task.created_at
