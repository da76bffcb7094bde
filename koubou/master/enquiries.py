"""What who may not read the board may ask of it through the control socket: how his own tasks stand, at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.board.board import Board
from koubou.board.reading import Reading
from koubou.board.shapes import shown, wait_shape, without_text
from koubou.errors import KoubouError, UnknownTask, UsageMistake
from koubou.model.access import Caller
from koubou.rules.access import reaches, sees_text
from koubou.rules.route import is_secret

IDS_AT_MOST = 1_000
"""Of one request for how tasks stand."""
LINES_AT_MOST = 1_000
"""Of a task's history in one answer; `after` asks for those that follow."""

_LARGEST = 2**63
"""What the board can count to, and one more."""
_KINDS: Mapping[type[KoubouError], str] = {UnknownTask: "unknown_task", UsageMistake: "usage"}


def enquire(board: Board, verb: str, caller: Caller, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reply to `show` or `standing`. Who reaches his own tasks only hears of another's as of none."""
    answer = _show if verb == "show" else _standing
    try:
        return {"ok": answer(Reading(board.connection), caller, arguments)}
    except KoubouError as error:
        return {"error": {"kind": _KINDS.get(type(error), "unavailable"), "message": str(error)}}


def _show(board: Reading, caller: Caller, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """{"task": as `koubou show --json` gives it but for its folder, "after": the line to go on from, or null}."""
    match arguments:
        case {"id": str(task_id), "after": int(after)} if abs(after) < _LARGEST:
            pass
        case {"id": str(task_id), **others} if "after" not in others:
            after = 0
        case _:
            raise UsageMistake("which task? give its id, and after which line of its history if not all is wanted")
    task = board.task(task_id)
    if task is None or not reaches(caller, "show", task.owner):
        raise UnknownTask(f'no task "{task_id}"')
    shape, left_out = shown(board, task, after, LINES_AT_MOST)
    if not sees_text(caller, task.owner, confidential=is_secret(task)):
        shape = without_text(shape)
    return {"task": shape, "after": left_out}


def _standing(board: Reading, caller: Caller, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """{"tasks": {id in lower case: {"status", "digest", "owner"}}} of those that the caller may know of.

    With `"waits": true` also "wait", what each waits for.
    """
    ids = arguments.get("ids")
    if not isinstance(ids, list) or not all(isinstance(task_id, str) for task_id in ids):
        raise UsageMistake("which tasks? give ids")
    if len(ids) > IDS_AT_MOST:
        raise UsageMistake(f"{IDS_AT_MOST:,} ids at most in one request")
    standing = board.standing(ids)
    waits = board.waits.of(ids) if arguments.get("waits") is True else {}
    return {
        "tasks": {
            task_id: {
                "status": standing[task_id],
                "digest": digest,
                "owner": whose,
                **({"wait": wait_shape(waits[task_id])} if waits else {}),
            }
            for task_id, (digest, whose) in board.identities(ids).items()
            if reaches(caller, "standing", whose)
        }
    }
