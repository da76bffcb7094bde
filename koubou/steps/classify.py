"""Note how secret and how hard each new task is, from what its examination found."""

from __future__ import annotations

from koubou.model.instant import Instant
from koubou.model.status import Park, ParkReason, Waiting
from koubou.model.task import Task
from koubou.rules.classify import sensitivity
from koubou.rules.difficulty import difficulty
from koubou.steps.guard import note_guardrails
from koubou.steps.shop import Shop


def classify(shop: Shop, now: Instant) -> int:
    """Classify the tasks that wait for it; return how many."""
    tasks = shop.board.tasks.due(Waiting.CLASSIFY, shop.batch)
    for task in tasks:
        shop.apart(now, task.id, _classify, shop, task, now)
    return len(tasks)


def _classify(shop: Shop, task: Task, now: Instant) -> None:
    if task.not_before is not None and task.not_before > now:
        park = Park(reason=ParkReason.SCHEDULE, detail="not before its time", until=task.not_before)
        shop.board.tasks.parked(task, park, now)
        shop.note(task, "task.parked", park.detail, now, park=str(park.reason))
        return
    findings, score = shop.board.tasks.examination(task.seq)
    secret, secret_reason = sensitivity(findings, task.asked_sensitivity)
    hard, hard_reason = difficulty(score, task.asked_difficulty)
    shop.board.tasks.classified(task, secret, hard, [secret_reason, hard_reason], now)
    told = f"{secret}: {secret_reason.reason}; {hard}: {hard_reason.reason}"
    shop.note(task, "task.classified", told, now, sensitivity=str(secret), difficulty=str(hard))
    note_guardrails(shop, task, findings, now)
