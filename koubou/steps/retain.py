"""Let go what has been kept long enough: owed first, then its files are removed, then its text on the board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from koubou.errors import IllegalMove, UsageMistake
from koubou.model.access import WORKSHOP, Caller
from koubou.model.deed import RemoveFiles, SweepRejected
from koubou.model.heard import Asked, FilesRemoved, RetentionDue
from koubou.model.instant import DAY, HOUR, Instant
from koubou.model.retention import Cutoffs, Removal
from koubou.model.task import Task
from koubou.rules.retention import cutoffs, older_than, why_not
from koubou.steps.shop import Shop

_WORDS: Mapping[Removal, str] = {
    Removal.RUNS: "the records of its calls have been kept long enough",
    Removal.TEXT: "its text and its answer have been kept long enough; its id stays",
}


class _Gone(Struct):
    """What was removed in a turn."""

    runs: int = 0
    texts: int = 0
    purged: int = 0
    freed: int = 0


def retain(shop: Shop, now: Instant) -> int:
    """Note what is gone, and owe what is to go: a batch at most; return how many are owed anew."""
    gone = _Gone()
    lines = shop.board.history.removed()
    for removed in shop.of(FilesRemoved):
        shop.apart(now, None, _removed, shop, removed, gone, now)
    ids, owed = 0, 0
    for _ in shop.of(RetentionDue):
        before = cutoffs(shop.retention, now)
        ids += forget(shop, before, now)
        owed += owe_due(shop, before, now)
        shop.deeds.append(SweepRejected(before=before.rejected, drafts_before=now - DAY))
    shop.board.history.account_for_removed(lines, now)
    if ids or gone != _Gone():
        shop.say("retention.removed", texts=gone.texts, runs=gone.runs, purged=gone.purged, ids=ids, bytes=gone.freed)
    return owed


def owe_due(shop: Shop, before: Cutoffs, now: Instant, by: Caller = WORKSHOP) -> int:
    """Owe the removal of what has been kept long enough, confidential texts first; at most a batch."""
    kept = shop.board.kept
    due = [(seq, task_id, Removal.TEXT) for seq, task_id in kept.due_texts(before, shop.batch)]
    taken = {seq for seq, _, _ in due}
    if len(due) < shop.batch:
        runs = kept.due_runs(before, shop.batch)
        due += [(seq, task_id, Removal.RUNS) for seq, task_id in runs if seq not in taken][: shop.batch - len(due)]
    for seq, task_id, what in due:
        if kept.owe(seq, what, by.actor, now, by.source):
            shop.deeds.append(RemoveFiles(task=seq, task_id=task_id, what=what))
    return len(due)


def forget(shop: Shop, before: Cutoffs, now: Instant) -> int:
    """Take the bare ids off the board that have been kept long enough; at most a batch."""
    due = shop.board.kept.due_ids(before, shop.batch)
    for seq, task_id in due:
        shop.apart(now, None, shop.board.kept.forget, seq, task_id, now)
    shop.board.kept.forget_notices(before)
    return len(due)


def collect(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """`koubou gc`: a batch now of what is due, or of what is older than `older` milliseconds."""
    older = asked.arguments.get("older")
    if older is not None and not (isinstance(older, int) and older >= 0):
        raise UsageMistake("gc takes the age of what is to go, in milliseconds")
    before = cutoffs(shop.retention, now) if older is None else older_than(older, shop.retention, now)
    lines = shop.board.history.removed()
    ids = forget(shop, before, now)
    shop.board.history.account_for_removed(lines, now)
    owed = owe_due(shop, before, now, asked.caller)
    if ids:
        shop.say("retention.removed", texts=0, runs=0, purged=0, ids=ids, bytes=0)
    if owed or ids:
        what = "what is due" if older is None else f"what ended more than {older // HOUR} h ago"
        told = f"{what}: {owed} tasks begun with, {ids} ids gone"
        shop.board.history.add(None, "retention.asked", told, now, asked.caller)
    shop.deeds.append(SweepRejected(before=before.rejected, drafts_before=now - DAY))
    return {"begun": owed, "ids": ids, "owed": shop.board.kept.owed_count(), "rejected_before": before.rejected}


def purge(shop: Shop, asked: Asked, task: Task, now: Instant) -> str:
    """Remove everything of an ended task but its bare id and its money. Asked again, says how far it is."""
    kept = shop.board.kept
    if kept.gone_of(task.seq)[1] is not None:
        return "purged"
    owed = kept.owed_of(task.seq)
    if owed is not None and owed[0] is Removal.PURGE:
        return "being purged"
    reason = why_not(task.status, task.outcome, needed_by=kept.needed_by(task), held=kept.is_held(task))
    if reason is not None:
        raise IllegalMove(f"task {task.id} {reason}")
    kept.owe(task.seq, Removal.PURGE, asked.caller.actor, now, asked.caller.source)
    shop.deeds.append(RemoveFiles(task=task.seq, task_id=task.id, what=Removal.PURGE))
    return "being purged"


def is_gone(shop: Shop, task: Task) -> str | None:
    """Why an ended task cannot be tried again; None when it can."""
    if shop.board.kept.owed_of(task.seq) is not None:
        return "files of it are being removed; try again in a moment"
    gone, purged = shop.board.kept.gone_of(task.seq)
    if purged is not None:
        return "it was purged: submit it again, with another id"
    return None if gone is None else "its text has been kept long enough and is gone: submit it again, with another id"


def _removed(shop: Shop, removed: FilesRemoved, gone: _Gone, now: Instant) -> None:
    owed = shop.board.kept.owed_of(removed.task)
    if owed is None or owed[0] is not removed.what:
        return  # it was noted before, or more is owed by now: that is told on its own
    what, actor, source = owed
    if what is Removal.RUNS:
        shop.board.kept.runs_removed(removed.task, now)
        gone.runs += 1
    else:
        shop.board.kept.text_removed(removed.task, what, now)
        gone.purged += what is Removal.PURGE
        gone.texts += what is Removal.TEXT
    gone.freed += removed.freed
    event = "task.purged" if what is Removal.PURGE else "task.removed"
    reason = f"purged by {actor}; its id and what it cost stay" if what is Removal.PURGE else _WORDS[what]
    shop.board.history.add(removed.task, event, reason, now, replace(WORKSHOP, actor=actor, source=source))
