"""The events of an agent as a person reads them: one line each, whatever it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koubou.cli.agent_log import readable

COMMAND = {"id": "item_1", "type": "command_execution", "command": "make\ntest", "aggregated_output": "ok"}
USE = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "make test"}}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"type": "item.started", "item": COMMAND}, "started command_execution make test"),
        ({"type": "assistant", "message": {"content": [USE]}}, "assistant Bash make test"),
        ({"type": "turn.completed", "usage": {"output_tokens": 3}}, 'turn.completed {"usage": {"output_tokens": 3}}'),
        ({"type": "result", "result": "done \x1b[2J"}, "result done \ufffd[2J"),
    ],
)
def test_an_event_is_a_line(event: dict[str, Any], line: str) -> None:
    assert [" ".join(told.split()) for told in readable(json.dumps(event))] == [line]


@pytest.mark.parametrize("line", ["no event\n", "[1]", "[" * 100_000, '{"type": "item.started", "item": {}}'])
def test_what_is_no_event_is_shown_too(line: str) -> None:
    (told,) = readable(line)
    assert 0 < len(told) < 200
