"""Submitting the tasks of rows: all checked first, those that are there already left out, the others dropped."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from koubou.cli import exits
from koubou.cli.progress import Progress, progress
from koubou.cli.rows.batches import Aside, Batch, Ticket
from koubou.cli.rows.drafting import Plan, Planned, planned, says_the_same
from koubou.cli.say import note
from koubou.cli.waiting import Dropped, taken_in
from koubou.cli.watching import Watch, watching
from koubou.errors import BoardUnavailable, NoMaster, NotAllowed, Problem, TaskFileError
from koubou.views.draft import Draft

if TYPE_CHECKING:
    from koubou.views.workshop import Workshop

_MOST_TOLD = 100
_CONFIRMED_WITHIN = 30.0
"""Seconds to see what becomes of the files; some ten thousand rows are taken in a minute."""

Drop = Callable[[Draft], Dropped]


class Bad(Struct):
    """What is wrong with rows: the first of them in full, and how many there are."""

    problems: list[Problem]
    count: int = 0

    def add(self, problem: Problem) -> None:
        """Remember one."""
        self.count += 1
        if len(self.problems) < _MOST_TOLD:
            self.problems.append(problem)

    def as_error(self) -> TaskFileError:
        """All of them at once."""
        first, *others = self.problems
        left = self.count - len(self.problems)
        if left:
            others.append(Problem(message=f"and {left:,} more rows", file=first.file))
        return TaskFileError("rows", first, others)


class Told(Struct):
    """What became of the rows; `waiting` are the files that were dropped, without their data, and the lines in each."""

    waiting: list[tuple[Dropped, Sequence[int]]]

    submitted: int = 0
    there: int = 0
    skipped: int = 0


def submit(workshop: Workshop, plan: Plan, drop: Drop, *, served: bool, skip_bad: bool, as_json: bool) -> int:
    """Submit them. Raises TaskFileError with every bad row, and nothing is dropped, unless bad rows are to be skipped.

    Then the exit code tells that some were.
    """
    told = Told(waiting=[])
    with Aside() as aside, progress("submitting") as line, ExitStack() as stack:
        bad = _laid_aside(workshop, plan, aside, line)
        if bad.count and not skip_bad:
            raise bad.as_error()
        if not aside.tasks:
            raise (
                bad.as_error() if bad.count else TaskFileError("empty", Problem(message="has no rows", file=plan.rows))
            )
        told.skipped = bad.count
        if bad.count:
            line.clear()
            note(f"these rows are skipped:\n{bad.as_error()}")
        watch = _watch(workshop, stack)
        _print(_dropped(plan, aside, watch, drop, told), plan, line, as_json=as_json)
        if served and watch is not None:
            _confirm(workshop, watch, told, line)
    _tell(workshop, plan, told, served=served)
    return exits.BAD_TASK_FILE if told.skipped else exits.DONE


def _laid_aside(workshop: Workshop, plan: Plan, aside: Aside, line: Progress) -> Bad:
    bad = Bad(problems=[])
    for number, one in enumerate(planned(plan, workshop.settings), start=1):
        line.says(f"{number:,} rows checked")
        if isinstance(one, Problem):
            bad.add(one)
            continue
        if not aside.tasks:
            _check_passing_on(plan, one)
        aside.put(one)
    return bad


def _check_passing_on(plan: Plan, one: Planned) -> None:
    if not says_the_same(one):
        message = "has a number that cannot be passed on as it stands: write it without an exponent"
        raise TaskFileError("number", Problem(message=message, file=plan.template))


def _watch(workshop: Workshop, stack: ExitStack) -> Watch | None:
    """How tasks stand; None where nobody can say."""
    try:
        return stack.enter_context(watching(workshop))
    except (BoardUnavailable, NoMaster, NotAllowed) as error:
        note(f"what is there already cannot be seen: {error}. All is dropped; what is there is known again")
        return None


def _dropped(plan: Plan, aside: Aside, watch: Watch | None, drop: Drop, told: Told) -> Iterator[tuple[Ticket, bool]]:
    """Each task, and whether it is new. All are compared with the board before the first is dropped."""
    if watch is not None:
        _check_others(plan, aside, watch)
    for batch in aside.batches():
        known = frozenset() if watch is None else frozenset(watch.identities([each.id for each in batch.tickets]))
        new = batch.without(known)
        told.there += len(batch.tickets) - len(new.tickets)
        if new.tickets:
            draft = _draft(plan, new)
            dropped = drop(draft)
            told.waiting.append((replace(dropped, draft=replace(draft, data=b"")), new.lines()))
            told.submitted += len(new.tickets)
        yield from ((each, each.id.lower() not in known) for each in batch.tickets)


def _check_others(plan: Plan, aside: Aside, watch: Watch) -> None:
    """See that no id is taken by a task that asks for something else. Raises TaskFileError with every such row."""
    bad, me = Bad(problems=[]), os.geteuid()
    for batch in aside.batches():
        known = watch.identities([each.id for each in batch.tickets])
        for each in batch.tickets:
            if known.get(each.id.lower(), (each.digest, me)) != (each.digest, me):
                message = "a task with the id of this row exists and asks for something else: choose another id"
                bad.add(Problem(message=message, file=plan.rows, line=each.line))
    if bad.count:
        raise bad.as_error()


def _print(shown: Iterator[tuple[Ticket, bool]], plan: Plan, line: Progress, *, as_json: bool) -> None:
    """The ids, one after another: as JSON, or where no person would be flooded with them."""
    names = not sys.stdout.isatty()
    for number, (ticket, new) in enumerate(shown):
        line.says(f"{number:,} tasks submitted")
        if as_json:
            told = {"id": ticket.id, "file": plan.rows, "line": ticket.line, "new": new}
            print("," if number else "[", json.dumps(told, ensure_ascii=False), sep="")
        elif names:
            print(ticket.id)
    if as_json:
        print("]")
    sys.stdout.flush()


def _confirm(workshop: Workshop, watch: Watch, told: Told, line: Progress) -> None:
    """See that each file is taken in. Raises TaskFileError with what is refused, by the lines of the rows."""
    refused: list[Problem] = []
    deadline = time.monotonic() + _CONFIRMED_WITHIN
    for number, (dropped, lines) in enumerate(told.waiting):
        line.says(f"{number:,} of {len(told.waiting):,} files taken in")
        try:
            if not taken_in(workshop, watch, [dropped], max(0.0, deadline - time.monotonic())):
                note(f"{len(told.waiting) - number:,} files still wait to be taken in: see koubou status")
                break
        except TaskFileError as error:
            refused += (_of_row(problem, lines) for problem in (error.problem, *error.others))
    if refused:
        raise TaskFileError("refused", refused[0], refused[1:])


def _of_row(problem: Problem, lines: Sequence[int]) -> Problem:
    """What is said of a document, said of its row: each document has one line, after one of `---`."""
    place = None if problem.line is None else (problem.line - 1) // 2
    line = lines[place] if place is not None and place < len(lines) else None
    return problem._replace(line=line, column=None)


def _draft(plan: Plan, batch: Batch) -> Draft:
    tickets = batch.tickets
    return Draft(
        file=plan.rows,
        data=batch.data(),
        suffix=".yaml",
        ids=[each.id for each in tickets],
        digests=[each.digest for each in tickets],
    )


def _tell(workshop: Workshop, plan: Plan, told: Told, *, served: bool) -> None:
    parts = [f"{told.submitted:,} submitted", f"{told.there:,} were there already"]
    parts += [f"{told.skipped:,} bad rows skipped"] if told.skipped else []
    note(f"{plan.rows}: {', '.join(parts)}")
    if not served and told.submitted:
        note(f"nobody serves {workshop.layout.home} now; the files wait there (start it: koubou serve)")
