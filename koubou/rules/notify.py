"""Who is told of a task or session, and in which words: ids, numbers and categories, never a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from koubou.model.instant import Instant, iso, iso_or_none
from koubou.model.money import Nano, usd
from koubou.model.notification import Notify
from koubou.model.task import Sensitivity, Task


def targets_of(notify: Notify, task: Task, asked: Sequence[str], event: str) -> list[str]:
    """Those that the task names and those of its type and session; where there are none of these, the default ones."""
    named = [*asked, *notify.types.get(task.type, ()), *_of_session(notify, task.session)] or notify.default
    return _told_of(notify, named, event)


def targets_of_session(notify: Notify, session: str, event: str) -> list[str]:
    """Those that the settings name for a session."""
    return _told_of(notify, _of_session(notify, session), event)


def task_words(task: Task, marker: str, now: Instant) -> dict[str, Any]:
    """What is told of a task that has ended. Of a confidential one only its id and how it ended leave the house."""
    told = {"id": marker, "event": f"task.{task.status}", "at": iso(now), "task": task.id, "status": str(task.status)}
    if task.sensitivity is not Sensitivity.PUBLIC and task.sensitivity is not Sensitivity.INTERNAL:
        return told
    return {
        **told,
        "type": task.type,
        "session": task.session,
        "tier": task.tier,
        "cost_usd": usd(task.cost),
        "cost_nusd": task.cost,
        "created_at": iso(task.created_at),
        "started_at": iso_or_none(task.started_at),
        "finished_at": iso_or_none(task.finished_at),
    }


def session_words(
    session: str, counts: Mapping[str, int], cost: Nano | None, marker: str, now: Instant
) -> dict[str, Any]:
    """What is told of a session all of whose tasks have ended; without its cost where one of them is confidential."""
    told = {"id": marker, "event": "session.done", "at": iso(now), "session": session, "tasks": dict(counts)}
    return told if cost is None else {**told, "cost_usd": usd(cost), "cost_nusd": cost}


def _of_session(notify: Notify, session: str | None) -> list[str]:
    if session is None:
        return []
    return [name for pattern, names in notify.sessions.items() if fnmatchcase(session, pattern) for name in names]


def _told_of(notify: Notify, named: Sequence[str], event: str) -> list[str]:
    known = ((name, notify.targets.get(name)) for name in dict.fromkeys(named))
    return [name for name, target in known if target is not None and event in target.events]
