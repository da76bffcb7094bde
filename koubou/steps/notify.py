"""Owing word of what has ended, in the turn in which it ends: whoever dies afterwards, it is told."""

from __future__ import annotations

import json

from koubou.model.deed import TellGuardian
from koubou.model.instant import Instant
from koubou.model.notification import SESSION_DONE
from koubou.model.task import Task
from koubou.rules.notify import session_words, targets_of, targets_of_session, task_words
from koubou.steps.shop import Shop


def owe_word(shop: Shop, task: Task, now: Instant) -> None:
    """Owe word of a task that has just been filed, and of its session if that was the last of it."""
    if not shop.notify.targets:
        return
    page = shop.board.notifications
    for target in targets_of(shop.notify, task, page.asked(task.seq), str(task.status)):
        marker = shop.new_id()
        page.owe(marker, target, json.dumps(task_words(task, marker, now), ensure_ascii=False), now)
    if task.session is not None:
        _owe_of_session(shop, task.session, now)
    shop.deeds.append(TellGuardian())


def _owe_of_session(shop: Shop, session: str, now: Instant) -> None:
    """Once when all of its tasks have ended; again only when it was given new ones since."""
    page = shop.board.notifications
    targets = targets_of_session(shop.notify, session, SESSION_DONE)
    if not targets or not page.is_done(session) or not page.first_told(session, now):
        return
    counts, cost = page.session(session)
    for target in targets:
        marker = shop.new_id()
        page.owe(marker, target, json.dumps(session_words(session, counts, cost, marker, now), ensure_ascii=False), now)
