"""Let parked tasks go on whose time, money or locks have come, and end those whose time is over."""

from __future__ import annotations

from koubou.model.decision import Refused
from koubou.model.instant import Instant
from koubou.model.task import Task
from koubou.rules.windows import current
from koubou.steps.after_run import settle_for
from koubou.steps.ending import fail
from koubou.steps.locks import wake_for_locks
from koubou.steps.shop import Shop


def wake(shop: Shop, now: Instant) -> int:
    """Return how many tasks were moved."""
    moved = shop.board.tasks.wake_by_time(now)
    for task in shop.board.tasks.expired(now, shop.batch):
        refused = Refused(
            kind="expired",
            reason="its expires_at passed before it was begun",
            remedy="drop it again with a later time",
            retryable=False,
        )
        shop.apart(now, task.id, _expire, shop, task, refused, now)
        moved += 1
    for name, dimension in shop.board.tasks.breached_accounts():
        # A breach of last month's account is over: the task asks this month's.
        account = shop.board.ledger.account(current(name, now, shop.budget.timezone), dimension)
        if account is not None:
            moved += shop.board.tasks.wake_breached(name, account, now)
    return moved + wake_for_locks(shop, now)


def _expire(shop: Shop, task: Task, refused: Refused, now: Instant) -> None:
    """An answer that is in hand came in time."""
    if not settle_for(shop, task, "its time is over", now):
        fail(shop, task, refused, now)
