"""A person judges the answer of a completed task; it counts in the experience of its type and tier."""

from __future__ import annotations

from koubou.errors import IllegalMove, UsageMistake
from koubou.model.heard import Asked
from koubou.model.instant import Instant
from koubou.model.status import Status
from koubou.model.task import Task
from koubou.steps.shop import Shop

RATINGS = ("good", "bad")


def rate(shop: Shop, asked: Asked, task: Task, now: Instant) -> str:
    """Note what a person says of an answer; said again it changes nothing, said otherwise the last word counts."""
    rating = asked.arguments.get("rating")
    if rating not in RATINGS:
        raise UsageMistake(f"rate takes {' or '.join(RATINGS)}")
    if task.status is not Status.COMPLETED or task.tier is None:
        raise IllegalMove(f"task {task.id} is {task.status}: only the answer of a completed task can be rated")
    if task.rated == rating:
        return f"rated {rating} already"
    shop.board.tasks.set_rated(task.seq, rating)
    shop.board.experience.rated(task.type, task.tier, rating == "good", task.rated)
    before = f", {task.rated} before" if task.rated else ""
    shop.note(task, "task.rated", f"{rating}, says {asked.caller.actor}{before}", now, asked.caller, rated=rating)
    return f"rated {rating}"
