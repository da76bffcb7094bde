"""Changes: asked of the master through the control socket, for whoever asks the window."""

from __future__ import annotations

from typing import Any

from koubou.errors import IllegalMove, KoubouError, NotAllowed, UnknownTask, UsageMistake
from koubou.model.access import Caller
from koubou.views.control import ask
from koubou.window.window import Window

_KINDS: dict[str, type[KoubouError]] = {
    "unknown_task": UnknownTask,
    "illegal_move": IllegalMove,
    "not_allowed": NotAllowed,
    "usage": UsageMistake,
}


def for_whom(caller: Caller) -> dict[str, Any]:
    """As the master believes it of the workshop's own user."""
    return {"actor": caller.actor[:100], "uid": caller.uid, "role": str(caller.role), "source": caller.source}


async def change(window: Window, caller: Caller, verb: str, **arguments: Any) -> Any:
    """What the master answers. Raises the error that he names, and NoMaster."""
    said: dict[str, Any] = {**arguments, "for": for_whom(caller)}
    return await window.readers.run(lambda: ask(window.workshop.layout.run, verb, **said))


async def change_task(window: Window, caller: Caller, verb: str, task_id: str, **arguments: Any) -> dict[str, Any]:
    """What became of one task. Raises what the master says of it."""
    answer = await change(window, caller, verb, ids=[task_id], **arguments)
    result = answer["results"][0]
    if not result["ok"]:
        raise _KINDS.get(result.get("kind", ""), IllegalMove)(result["message"])
    return {"id": result["id"], "message": result["message"]}


async def tell(window: Window, verb: str, **arguments: Any) -> None:
    """Tell the master of somebody at the door; where he does not hear it, nothing is lost but the note."""
    try:
        await window.readers.run(lambda: ask(window.workshop.layout.run, verb, 2.0, **arguments))
    except KoubouError:
        return
