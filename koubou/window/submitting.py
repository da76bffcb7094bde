"""Submitting: the task file goes through the drop folder as everybody's does, and is seen to the board."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou.board.reading import Reading
from koubou.errors import BoardUnavailable, Problem, TaskFileError
from koubou.folders.names import read_claim_file
from koubou.folders.on_behalf import name_for
from koubou.folders.submit import drop
from koubou.model.access import Caller
from koubou.model.ulid import ENTROPY_BYTES, ulid
from koubou.views.draft import Draft, limits_of
from koubou.views.draft_of_wire import draft_of_body
from koubou.views.words import now
from koubou.window.window import Window

_CONFIRMED_WITHIN = 5.0
_SHORTEST, _LONGEST = 0.01, 0.1
_SOURCE = "api "


class Submitted(Struct, frozen=True, kw_only=True):
    """What became of a file: `new` ids were not on the board before; None where that is not seen yet."""

    ids: Sequence[str]
    new: bool | None


async def submit(window: Window, caller: Caller, body: bytes, *, is_json: bool, key: str | None) -> Submitted:
    """Drop what a request asks for, durably, and see for a moment what becomes of it.

    With a key the ids that it gives are the same each time: a second try brings no second task. Raises TaskFileError.
    """
    draft = await window.readers.drafts.do(caller.actor, lambda: _draft(window, body, is_json, key))
    before = await window.readers.ask(lambda board: board.identities(draft.ids))
    address = caller.source.removeprefix(_SOURCE)
    name = name_for(_new_ulid(), caller.uid, caller.actor, address, draft.suffix)
    await window.readers.run(lambda: _drop(window, name, draft.data))
    if await _taken_in(window, caller, draft, name, before):
        return Submitted(ids=draft.ids, new=not all(task_id.lower() in before for task_id in draft.ids))
    return Submitted(ids=draft.ids, new=None)


def _draft(window: Window, body: bytes, is_json: bool, key: str | None) -> Draft:
    given = 0

    def new_id() -> str:
        nonlocal given
        given += 1
        if key is None:
            return _new_ulid()
        seed = hashlib.sha256(f"{key}\0{given}".encode()).digest()
        return ulid(0, seed[:ENTROPY_BYTES])

    return draft_of_body(body, is_json, limits_of(window.workshop.settings), new_id)


def _drop(window: Window, name: str, data: bytes) -> None:
    try:
        drop(window.workshop.layout.tasks, name, data)
    except OSError as error:
        raise BoardUnavailable(f"the task cannot be dropped: {error.strerror or error}") from error


async def _taken_in(
    window: Window, caller: Caller, draft: Draft, name: str, before: Mapping[str, tuple[str, int]]
) -> bool:
    """Whether all of it is on the board, seen for some seconds. Raises TaskFileError where it was refused."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + _CONFIRMED_WITHIN, _SHORTEST
    known_before = all(task_id.lower() in before for task_id in draft.ids)

    def look(board: Reading) -> bool:
        _check_refusal(window, name)
        known = board.identities(draft.ids)
        if not all(known.get(task_id.lower(), ("", -1))[1] == caller.uid for task_id in draft.ids):
            return False
        if known_before and _is_waiting(window, name):
            return False
        _check_refusal(window, name)
        return True

    while not await window.readers.ask(look):
        if loop.time() > deadline:
            return False
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, _LONGEST)
    return True


def _is_waiting(window: Window, name: str) -> bool:
    """Whether the file still lies in the folder, under its name or claimed."""
    own = os.fsencode(name)
    for each in os.listdir(os.fsencode(window.workshop.layout.tasks)):
        claim = read_claim_file(each)
        if each == own or (claim is not None and claim[1] == own):
            return True
    return False


def _check_refusal(window: Window, name: str) -> None:
    try:
        with open(f"{window.workshop.layout.rejected}/{name}.error.json", "rb") as file:
            error: dict[str, Any] = json.load(file)["error"]
    except (OSError, ValueError, KeyError):
        return
    problems = [_problem(name, each) for each in error.get("problems") or [error]]
    raise TaskFileError(str(error.get("kind") or error.get("class") or "rejected"), problems[0], problems[1:])


def _problem(name: str, told: Mapping[str, Any]) -> Problem:
    message = str(told.get("message")).replace(f"{name}: ", "")
    line, column = told.get("line"), told.get("column")
    return Problem(message=message, line=line, column=column, key=told.get("key"), nearest=told.get("nearest"))


def _new_ulid() -> str:
    return ulid(now(), os.urandom(ENTROPY_BYTES))
