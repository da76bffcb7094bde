"""Note how secret and how hard each new task is, from what its examination found."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from koubou.model.experience import Experience
from koubou.model.instant import Instant
from koubou.model.status import Park, ParkReason, Waiting
from koubou.model.task import Task
from koubou.rules.asides import first_phase
from koubou.rules.classify import sensitivity
from koubou.rules.difficulty import difficulty
from koubou.rules.experience import learned
from koubou.steps.guard import note_guardrails
from koubou.steps.shop import Shop


def classify(shop: Shop, now: Instant) -> int:
    """Classify the tasks that wait for it; return how many."""
    tasks = shop.board.tasks.due(Waiting.CLASSIFY, shop.batch)
    known: dict[str, Mapping[str, Experience]] = {}
    for task in tasks:
        shop.apart(now, task.id, _classify, shop, task, known, now)
    return len(tasks)


def _classify(shop: Shop, task: Task, known: dict[str, Mapping[str, Experience]], now: Instant) -> None:
    if task.not_before is not None and task.not_before > now:
        park = Park(reason=ParkReason.SCHEDULE, detail="not before its time", until=task.not_before)
        shop.board.tasks.parked(task, park, now)
        shop.note(task, "task.parked", park.detail, now, park=str(park.reason))
        return
    findings, score = shop.board.tasks.examination(task.seq)
    secret, secret_reason = sensitivity(findings, task.asked_sensitivity)
    hard, hard_reason = difficulty(score, task.asked_difficulty)
    reasons = [secret_reason, hard_reason]
    if task.asked_difficulty is None and task.asked_tier is None:
        if task.type not in known:
            known[task.type] = shop.board.experience.of_type(task.type)
        hard, taught = learned(hard, task.type, shop.routing.tiers, known[task.type], task.seq)
        if taught is not None:
            hard_reason = taught
            reasons.append(taught)
    task = replace(task, phase=first_phase(task, score, shop.routing))
    shop.board.tasks.classified(task, secret, hard, reasons, now)
    told = f"{secret}: {secret_reason.reason}; {hard}: {hard_reason.reason}"
    shop.note(task, "task.classified", told, now, sensitivity=str(secret), difficulty=str(hard))
    note_guardrails(shop, task, findings, now)
