"""koubou gc: let go now what has been kept long enough, or say what would go."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from koubou.cli.filters import seconds
from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.cli.directly import Ask
    from koubou.cli.progress import Progress
    from koubou.model.retention import Cutoffs
    from koubou.views.workshop import Workshop

_PAUSE = 0.05
_PATIENCE = 60.0
"""Seconds without anything going."""
_ALL = 1 << 60


def declare(parser: Parser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")
    parser.add_argument(
        "--older",
        type=seconds,
        metavar="AGE",
        help="of all tasks that ended longer ago than this (2h, 7d), whatever the settings keep; their ids stay",
    )
    parser.add_argument("--yes", action="store_true", help="with --older: do it, without asking")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples(
        "koubou gc --dry-run                        what the settings let go by now (docs/board.md)",
        "koubou gc --older 7d --yes                 make room: texts and answers of all that ended a week ago",
    )


class Plan(Struct, frozen=True, kw_only=True):
    """What is due: ids of tasks with the bytes that they take on the disk."""

    texts: dict[str, int]
    runs: dict[str, int]
    ids: int
    rejected: int
    rejected_bytes: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(self.texts.values()) + sum(self.runs.values()) + self.rejected_bytes

    @property
    def is_empty(self) -> bool:
        """Whether nothing is due."""
        return not (self.texts or self.runs or self.ids or self.rejected)


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits, say
    from koubou.cli.directly import asking
    from koubou.cli.progress import progress
    from koubou.cli.workshop import workshop_of

    workshop = workshop_of(arguments)
    older = None if arguments.older is None else round(arguments.older * 1000)
    with progress("measuring what is due"):
        plan = _plan(workshop, _cutoffs(workshop, older))
    if arguments.dry_run:
        _tell(arguments, plan, 0, dry_run=True)
        return exits.DONE
    if older is not None and not plan.is_empty and not arguments.yes and not _agreed(arguments, plan):
        return exits.FAILED
    with progress("removing") as so_far, asking(workshop) as ask:
        left = _collect(workshop, ask, older, so_far)
    _tell(arguments, plan, left, dry_run=False)
    if left:
        say.note(f"{left} of them could not be removed yet; the journal says why, and the workshop comes back to them")
    return exits.FAILED if left else exits.DONE


def _cutoffs(workshop: Workshop, older: int | None) -> Cutoffs:
    from koubou.cli.say import now
    from koubou.config.retention_settings import retention_of
    from koubou.rules.retention import cutoffs, older_than

    retention = retention_of(workshop.settings.retention)
    return cutoffs(retention, now()) if older is None else older_than(older, retention, now())


def _plan(workshop: Workshop, before: Cutoffs) -> Plan:
    from koubou.folders.remove import size_of, size_of_task

    with workshop.reading() as board, board.picture():
        texts = [task_id for _, task_id in board.kept.due_texts(before, _ALL)]
        runs = [task_id for _, task_id in board.kept.due_runs(before, _ALL)]
        ids = len(board.kept.due_ids(before, _ALL))
    layout = workshop.layout
    rejected = _rejected(workshop, before.rejected)
    return Plan(
        texts={task_id: size_of_task(layout, task_id) for task_id in texts},
        runs={task_id: size_of_task(layout, task_id, runs_only=True) for task_id in runs if task_id not in set(texts)},
        ids=ids,
        rejected=sum(not name.endswith(b".error.json") for name, _ in rejected),
        rejected_bytes=sum(size_of(path) for _, path in rejected),
    )


def _rejected(workshop: Workshop, before: int) -> list[tuple[bytes, bytes]]:
    from koubou.folders.remove import old_rejected

    try:
        return list(old_rejected(workshop.layout, before))
    except OSError:
        return []


def _collect(workshop: Workshop, ask: Ask, older: int | None, so_far: Progress) -> int:
    """Ask for portion after portion until nothing is due; how many removals are still owed when nothing moves."""
    moved, last = time.monotonic(), (-1, -1)
    while True:
        said: dict[str, Any] = ask("gc", **({} if older is None else {"older": older}))
        rejected = len(_rejected(workshop, said["rejected_before"]))
        if not (said["begun"] or said["ids"] or said["owed"] or rejected):
            return 0
        stands = (said["owed"], rejected)
        so_far.says(f"{sum(stands):,} left")
        if said["begun"] or said["ids"] or stands != last:
            moved, last = time.monotonic(), stands
        elif time.monotonic() - moved > _PATIENCE:
            return int(said["owed"]) + rejected
        time.sleep(_PAUSE)


def _agreed(arguments: argparse.Namespace, plan: Plan) -> bool:
    from koubou.cli.say import note

    if not arguments.json:
        _tell(arguments, plan, 0, dry_run=True)
    if arguments.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        note("nothing was removed; add --yes to remove it")
        return False
    try:
        return input("Remove it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _tell(arguments: argparse.Namespace, plan: Plan, left: int, *, dry_run: bool) -> None:
    from koubou.cli.say import print_json

    if arguments.json:
        print_json(
            {
                "dry_run": dry_run,
                "texts": len(plan.texts),
                "texts_bytes": sum(plan.texts.values()),
                "runs": len(plan.runs),
                "runs_bytes": sum(plan.runs.values()),
                "ids": plan.ids,
                "rejected": plan.rejected,
                "rejected_bytes": plan.rejected_bytes,
                "bytes": plan.bytes,
                "tasks": [*plan.texts],
                "left": left,
            }
        )
        return
    would = "would go" if dry_run else "removed"
    if plan.is_empty:
        print("Nothing has been kept for too long.")
        return
    for count, what, size in (
        (len(plan.texts), "texts and answers of tasks, with their folders", sum(plan.texts.values())),
        (len(plan.runs), "records of calls, of tasks that stay", sum(plan.runs.values())),
        (plan.rejected, "refused files", plan.rejected_bytes),
        (plan.ids, "bare ids", None),
    ):
        if count:
            print(f"{count:>9,} {what}" + (f", {size:,} bytes" if size is not None else ""))
    print(
        f"{would}: {plan.bytes:,} bytes of files" + ("" if dry_run else "; the board gives its room back in portions")
    )
