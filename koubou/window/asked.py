"""What routes ask for before they answer: the window, who asks, and whether he may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from koubou.board.reading import Reading
from koubou.errors import UnknownTask
from koubou.model.access import Caller, Scope
from koubou.model.task import Task
from koubou.rules.access import may_only, reach_of, reaches
from koubou.window.door import CALLER
from koubou.window.problems import Trouble
from koubou.window.window import Window


def window_of(connection: HTTPConnection) -> Window:
    """The window that is asked."""
    window: Window = connection.app.state.window
    return window


def caller_of(connection: HTTPConnection) -> Caller:
    """Who asks, as the door let him in."""
    caller: Caller = connection.scope[CALLER].caller
    return caller


Asked = Annotated[Window, Depends(window_of)]
Asking = Annotated[Caller, Depends(caller_of)]


def check(caller: Caller, verb: str) -> Scope:
    """How far he reaches with a verb. Raises Trouble (403) where not at all."""
    scope = reach_of(caller, verb)
    if scope is Scope.NONE:
        raise Trouble(403, "not_allowed", may_only(verb))
    return scope


def may(verb: str) -> Callable[[Request], Caller]:
    """A dependency: who asks, if his role has any part in this verb."""

    def asking(request: Request) -> Caller:
        caller = caller_of(request)
        check(caller, verb)
        return caller

    return asking


def task_for(caller: Caller, verb: str, board: Reading, task_id: str) -> Task:
    """The task that is meant. Raises UnknownTask also for another's, where he reaches only his own."""
    task = board.task(task_id)
    if task is None or not reaches(caller, verb, task.owner):
        raise UnknownTask(f'there is no task "{task_id}"')
    return task
