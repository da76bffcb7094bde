"""Whether a task names a folder to work in: asked of its text, where there are agents to whom it matters."""

from __future__ import annotations

from koubou.model.task import Task
from koubou.rules.suited import may_need_a_folder
from koubou.steps.shop import Shop


def works_in_a_folder(shop: Shop, task: Task) -> bool:
    """Whether it does; False where it makes no difference."""
    return may_need_a_folder(task, shop.tiers) and shop.board.tasks.names_workspace(task.seq)
