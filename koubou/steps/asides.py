"""Whether a tier may be asked what a task's present phase asks."""

from __future__ import annotations

from koubou.model.phase import Phase
from koubou.model.task import Task
from koubou.model.tier import Tier
from koubou.rules.asides import may_judge
from koubou.steps.shop import Shop


def may_be_asked(shop: Shop, task: Task, tier: Tier) -> bool:
    """Asked when it is routed and again when it gets its place: the settings may have changed in between."""
    if task.phase is not Phase.JUDGE:
        return True
    return may_judge(tier, shop.board.runs.get(task.seq, task.answer_run or 0))
