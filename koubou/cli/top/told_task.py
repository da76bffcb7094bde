"""All that is known of a task as text for the screen: why it is where it is, its runs, its history."""

from __future__ import annotations

from rich.text import Text

from koubou.board.reading import Reading
from koubou.cli import say as told
from koubou.cli.top.words import Say
from koubou.errors import UnknownTask
from koubou.model.run import Run
from koubou.views.explain import Explained, explained, needs_the_master
from koubou.views.status import said_by_master
from koubou.views.workshop import Workshop

_LINES = 200


def told_task(workshop: Workshop, task_id: str, say: Say) -> Text:
    """The text, never taken as markup. Raises UnknownTask, BoardUnavailable, PermissionError."""
    with workshop.reading() as board:
        found = board.task(task_id)
        if found is None:
            raise UnknownTask(f'there is no task "{task_id}" any more')
        said = said_by_master(workshop) if needs_the_master(found) else {}
        with board.picture():
            why = explained(workshop, board, found, said)
            return _text(why, board, say)


def _text(why: Explained, board: Reading, say: Say) -> Text:
    task, now = why.task, told.now()
    text = Text()
    _head(text, say("now"))
    for sentence in why.now:
        text.append(f"  {told.one_line(sentence)}\n")
    _head(text, say("facts"))
    state = say("parked" if task.park else str(task.status))
    facts = (
        (say("title"), task.title),
        (say("STATUS").lower(), state),
        (say("TIER").lower(), task.tier),
        (say("TYPE").lower(), task.type),
        (say("session"), task.session),
        (say("sensitivity"), task.sensitivity),
        (say("difficulty"), task.difficulty),
        (say("priority"), str(task.priority)),
        (say("COST").lower(), told.money(task.cost)),
    )
    for name, value in facts:
        if value:
            _fact(text, name, value)
    for place, reason in enumerate(task.route):
        _fact(text, "" if place else say("route"), f"{reason.rule}: {reason.reason}")
    _runs(text, board.runs(task), now, say)
    _history(text, why, now, say)
    return text


def _runs(text: Text, runs: list[Run], now: int, say: Say) -> None:
    if not runs:
        return
    _head(text, say("runs"))
    for run in runs:
        took = told.lasting((run.ended_at or now) - (run.started_at or run.admitted_at))
        outcome = told.one_line(run.outcome or say("in_progress"))
        text.append(f"  {run.number}  {told.when(run.admitted_at, now)}  {run.tier}  {took}  {outcome}\n")


def _history(text: Text, why: Explained, now: int, say: Say) -> None:
    _head(text, say("history"))
    left_out = len(why.history) - _LINES
    if left_out > 0:
        text.append(f"  {say('lines_left_out', count=f'{left_out:,}')}\n", style="dim")
    for line in why.history[-_LINES:]:
        text.append(f"  {told.when(line.at, now)}  ", style="dim")
        text.append(f"{line.event}  {told.one_line(line.reason)}\n")


def _head(text: Text, name: str) -> None:
    text.append(f"{'' if not text else chr(10)}{name}\n", style="bold underline")


def _fact(text: Text, name: str, value: str) -> None:
    from koubou.cli.table import width

    text.append(f"  {name}{' ' * max(1, 16 - width(name))}", style="dim")
    text.append(f"{told.one_line(value)}\n")
