"""Renders docs/reference/task-file.md: `python -m koubou.cli.task_file_page > docs/reference/task-file.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from koubou.documents.limits import DEFAULT
from koubou.folders.schema import task_schema

_INTRODUCTION = """\
# Task files

Rendered from the code (`python -m koubou.cli.task_file_page`). `koubou schema` prints the same as a JSON Schema, for
editors and programs; [etc/task.yaml](../../etc/task.yaml) has every key in one file, to copy from.

A file named `*.yaml`, `*.yml` or `*.json` in `tasks/` holds one task, or several: YAML documents with `---` between
them, or a JSON list. All tasks of a file are taken, or none. Exactly one of `prompt`, `messages` and `prompt_file` is
required; all else has a default. An unknown key is refused, with the nearest known one. A file that is refused lies in
`tasks/rejected/` with `<name>.error.json` beside it, which lists every mistake with its line.

Ids, and names of tiers, are of `a-z A-Z 0-9 . _ -`, 100 at most; prompts, titles and names of files may be in any
writing. Times are in ISO 8601 with a time zone; durations `90s 15m 2h`, or a number of seconds; money is in USD. A file
has at most {size} MB, {nodes} values and {depth} levels.
"""
_SECTIONS = {
    "Budget": "budget",
    "InlineFile": "files: one that is given in the task file",
    "Turn": "messages: one of them",
}


def render() -> str:
    """The page, in Markdown."""
    schema = task_schema()
    parts = [_INTRODUCTION.format(size=DEFAULT.size // 10**6, nodes=f"{DEFAULT.nodes:,}", depth=DEFAULT.depth)]
    parts += ["## Keys", "", *_table(schema), ""]
    for name, heading in _SECTIONS.items():
        part = schema["$defs"][name]
        parts += [f"### {heading}", "", part.get("description", ""), "", *_table(part), ""]
    return "\n".join(parts).rstrip() + "\n"


def _table(part: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| key | takes | default | meaning |", "| --- | --- | --- | --- |")
    required = part.get("required", ())
    for key, shape in part["properties"].items():
        default = f"`{json.dumps(shape['default'])}`" if "default" in shape else "required" if key in required else ""
        yield f"| `{key}` | {_takes(shape)} | {default} | {_safe(shape.get('description', ''))} |"


def _safe(text: str) -> str:
    return str(text).replace("<", "&lt;").replace("|", "\\|")


def _takes(shape: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    match shape:
        case {"enum": list(words)}:
            return ", ".join(f"`{word}`" for word in words)
        case {"anyOf": list(several)}:
            return " or ".join(dict.fromkeys(_takes(each) for each in several))
        case {"$ref": str(place)}:
            return f"mapping (see {_SECTIONS[place.rpartition('/')[2]].partition(':')[0]} below)"
        case {"format": "date-time"}:
            return "time"
        case {"type": "array", "items": items}:
            return f"list: {_takes(items)}"
        case {"type": list(types)}:
            return " or ".join(_PLAIN[each] for each in types)
        case {"type": str(plain), **rest}:
            return f"{_PLAIN[plain]}{_bounds(rest)}"
    return "anything"


def _bounds(rest: Mapping[str, Any]) -> str:
    match rest:
        case {"minimum": least, "maximum": most} if most < 10**12:
            return f" from {least:g} to {most:g}"
        case {"minimum": least}:
            return f" from {least:g}"
        case {"maxLength": most}:
            return f", {most:,} characters at most"
    return ""


_PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "object": "mapping",
    "array": "list",
}


if __name__ == "__main__":
    sys.stdout.write(render())
