"""The events of `codex exec --json`: one object a line (codex 0.169).

A command that codex' own sandbox refuses brings no event at all. Of a turn that failed there is only a sentence: it is
read for its class here and never passed on, since it may quote the task.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from koubou.model.call import CallError, ErrorClass
from koubou.rules.agent_events import NOTHING, Deed, Seen
from koubou.rules.provider_errors import STATUSES, plain_error

_STATUS = re.compile(r"(?:unexpected status|last status:) (\d{3})\b")
_SENTENCES = (
    ("quota exceeded", ErrorClass.QUOTA),
    ("model's context window", ErrorClass.CONTEXT),
    ("incomplete response", ErrorClass.CUT),
    ("stream disconnected", ErrorClass.CUT),
    ("idle timeout", ErrorClass.TIMEOUT),
    ("connection failed", ErrorClass.UNREACHABLE),
)


def read_event(event: Mapping[str, Any]) -> Seen:
    """What one line says."""
    match event:
        case {"type": "thread.started", "thread_id": str(session)}:
            return Seen(session=session)
        case {"type": "item.started" | "item.completed", "item": Mapping() as item}:
            return _item(item)
        case {"type": "turn.completed"}:
            return Seen(over=True)
        case {"type": "turn.failed", **rest}:
            return Seen(over=True, error=_failed(rest.get("error")))
    return NOTHING


def _item(item: Mapping[str, Any]) -> Seen:
    key = str(item.get("id"))
    match item:
        case {"type": "agent_message", "text": str(text)}:
            return Seen(text=text)
        case {"type": "command_execution"}:
            return Seen(deeds=(Deed(key=key, command=str(item.get("command", ""))),))
        case {"type": "file_change", "changes": [*changes]}:
            return Seen(deeds=(Deed(key=key, edits=len(changes)),))
    return NOTHING


def _failed(error: object) -> CallError:
    sentence = str(error.get("message", "")) if isinstance(error, Mapping) else ""
    if (found := _STATUS.search(sentence)) is not None:
        status = int(found[1])
        kind = STATUSES.get(status, ErrorClass.BAD_REQUEST if status < 500 else ErrorClass.SERVER)
        return plain_error(kind, status=status)
    for phrase, kind in _SENTENCES:
        if phrase in sentence.lower():
            return plain_error(kind, code="turn_failed")
    return plain_error(ErrorClass.SERVER, code="turn_failed")
