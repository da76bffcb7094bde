"""What an agent said in a run, event by event: as it came for programs, a readable line each for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from koubou.cli.say import one_line

LOG = "log.jsonl"
_LONGEST = 160
_SHORT_NAMES = ("command", "file_path", "path", "text", "message", "aggregated_output", "content", "result", "status")
"""What says most of an event or a tool's use, the best first."""


def print_events(folder: str, *, as_json: bool) -> bool:
    """Print the events of a run; False where its folder has none. Raises PermissionError."""
    try:
        with open(f"{folder}/{LOG}", encoding="utf-8", errors="replace") as log:
            for line in log:
                if as_json or not sys.stdout.isatty():
                    sys.stdout.write(line if line.endswith("\n") else f"{line}\n")
                else:
                    sys.stdout.writelines(f"{told}\n" for told in readable(line))
    except FileNotFoundError:
        return False
    return True


def readable(line: str) -> Iterator[str]:
    """What one line of the log says to a person: mostly one line, several where it holds several things."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, Mapping):
        yield _line("output", line)
        return
    kind = str(event.get("type", "event"))
    match event:
        case {"item": Mapping() as item}:  # Codex CLI
            yield _line(f"{kind.removeprefix('item.')} {item.get('type', '')}", _said(item))
        case {"message": {"content": [*blocks]}}:  # Claude Code
            for block in blocks:
                if isinstance(block, Mapping):
                    yield _line(f"{kind} {block.get('name') or block.get('type', '')}", _said(block))
        case _:
            yield _line(kind, _said(event))


def _said(part: Mapping[str, Any]) -> str:
    given = part.get("input")
    for name in _SHORT_NAMES:
        for holder in (part, given if isinstance(given, Mapping) else {}):
            if (value := holder.get(name)) not in (None, "", []):
                return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    rest = {name: value for name, value in part.items() if name not in ("type", "id")}
    return json.dumps(rest, ensure_ascii=False) if rest else ""


def _line(kind: str, said: str) -> str:
    said = one_line(said)
    return f"{one_line(kind):28} {said if len(said) <= _LONGEST else said[: _LONGEST - 1] + '…'}".rstrip()
