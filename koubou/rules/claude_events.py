"""The events of `claude -p --output-format stream-json`: one object a line (Claude Code 2.1).

`subtype` is "success" also when the API failed, and then `result` is a sentence about that, not an answer: what counts
is `is_error`. Denied tools are no error; what it asked for counts as done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.model.call import CallError, ErrorClass
from koubou.rules.agent_events import NOTHING, Deed, Seen
from koubou.rules.provider_errors import STATUSES, plain_error, word_of

_EDITORS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
_SHELLS = frozenset({"Bash", "Monitor"})


def read_event(event: Mapping[str, Any]) -> Seen:
    """What one line says."""
    match event:
        case {"type": "system", "subtype": "init", "session_id": str(session)}:
            return Seen(session=session)
        case {"type": "assistant", "message": {"content": [*blocks]}}:
            return Seen(deeds=tuple(deed for block in blocks if (deed := _deed(block)) is not None))
        case {"type": "result", "is_error": False}:
            # A queued turn follows where something that runs behind has ended meanwhile.
            result = event.get("result")
            return Seen(over=not event.get("queued_turn_count"), text=result if isinstance(result, str) else None)
        case {"type": "result"}:
            return Seen(over=True, error=_failed(event))
    return NOTHING


def _deed(block: object) -> Deed | None:
    match block:
        case {"type": "tool_use", "id": str(key), "name": str(name)} if name in _EDITORS:
            return Deed(key=key, edits=1)
        case {"type": "tool_use", "id": str(key), "name": str(name), "input": Mapping() as given} if name in _SHELLS:
            return Deed(key=key, command=str(given.get("command", "")))
    return None


def _failed(result: Mapping[str, Any]) -> CallError:
    status = result.get("api_error_status")
    if isinstance(status, int):
        # Anthropic's word for a status: 529 is overload, and a 400 for a spend limit says so in its type only.
        word = word_of(result.get("api_error_type"))
        kind = STATUSES.get(status, ErrorClass.BAD_REQUEST if 400 <= status < 500 else ErrorClass.SERVER)
        return plain_error(kind, code=word, status=status)
    if result.get("stop_reason") == "refusal":
        return plain_error(ErrorClass.POLICY, code="refusal")
    if result.get("terminal_reason") == "api_error":
        return plain_error(ErrorClass.CUT, code="api_error")
    return plain_error(ErrorClass.SERVER, code=word_of(result.get("subtype")))
