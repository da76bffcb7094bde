"""`python -m koubou.window.reference`: docs/reference/api.md, made of the OpenAPI document."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from koubou.folders.layout import Layout
from koubou.views.workshop import Workshop
from koubou.window.app import application
from koubou.window.openapi import document
from koubou.window.problems import TITLES
from koubou.window.window import Window

_HEAD = """# The API of the window

Made from the code by `python -m koubou.window.reference`; `GET /api/openapi.json` is the same as OpenAPI 3.1. How to
open the window: [how-to/window.md](../how-to/window.md).

Errors are problem details (RFC 9457, `application/problem+json`): `type` is for programs, `detail` for people. Every
path but `/`, `/healthz`, `/readyz` and `/api/openapi.json` needs `Authorization: Bearer kbu_…`. A `POST` takes an
`Idempotency-Key`: the same key brings the same answer for a day, also after a restart of the window, and another
request under it is refused.

Over a WebSocket the events of `GET /api/v1/events` come from `/api/v1/events/ws?after=…`, one JSON object a message.
It is closed with 1001 when the window ends, 1003 for whoever sends something, 1008 when the token opens nothing any
more, 1013 for whoever reads too slowly.
"""


_WORTH_SAYING = 1_000_000
"""What a number may be at most is said up to here; above it is no limit that anybody meets."""


def openapi() -> dict[str, Any]:
    """The document of a window that no workshop has."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "koubou.yaml"
        settings.write_text(f"home: {folder}\nwindow: {{listen: 127.0.0.1:0}}\n")
        Layout(home=folder).ensure()
        workshop = Workshop(settings, {})
        window = Window(workshop, workshop.settings.window)
        try:
            return document(application(window))
        finally:
            window.readers.close()
            window.keys.close()


def render() -> str:
    """The page."""
    made = openapi()
    lines = [_HEAD]
    for path, methods in made["paths"].items():
        for method, about in methods.items():
            lines += _route(path, method, about, made["components"]["schemas"])
    lines += ["## Kinds of trouble\n", "| `type` | title |", "| --- | --- |"]
    lines += [f"| `urn:koubou:problem:{kind}` | {title} |" for kind, title in TITLES.items()]
    return "\n".join(lines) + "\n"


def _route(path: str, method: str, about: Mapping[str, Any], named: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {method.upper()} {path}\n"
    yield f"{about['summary']}.\n"
    if (said := about.get("description")) and said != about["summary"]:
        yield f"{said.strip()}\n"
    given = about.get("parameters", [])
    if given:
        yield "| parameter | in | what |"
        yield "| --- | --- | --- |"
        for each in given:
            what = f"{_kind(each['schema'], named)}{_text(each.get('description'))}"
            yield f"| `{each['name']}` | {each['in']} | {what} |"
        yield ""
    for kind, content in about.get("requestBody", {}).get("content", {}).items():
        yield f"Body ({kind}): {_body(content['schema'], named)}\n"
    codes = ", ".join(sorted(about["responses"]))
    yield f"Answers: {codes}.\n"


def _body(schema: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    names = [
        f"`{name}` ({_kind(inner, named)}{'' if name in schema.get('required', ()) else '; may be left out'})"
        for name, inner in schema.get("properties", {}).items()
    ]
    return ", ".join(names) or "a task file" if schema.get("type") != "object" or names else _object(schema)


def _object(schema: Mapping[str, Any]) -> str:
    return "nothing, or `{}`" if "title" in schema else "a task file"


def _kind(schema: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    several = schema.get("anyOf")
    if several:
        return " or ".join(_kind(each, named) for each in several if each.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "$ref" in schema:
        return _kind(named[str(schema["$ref"]).rpartition("/")[2]], named)
    if schema.get("type") == "array":
        return f"{_kind(schema.get('items', {}), named)}; may be repeated"
    return f"{schema.get('type', 'any')}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    least, most, usual = (schema.get(name) for name in ("minimum", "maximum", "default"))
    if schema.get("type") != "integer" or least is None or most is None or most > _WORTH_SAYING:
        return ""
    return f" from {least:,} to {most:,}" + (f", {usual:,} if not said" if usual is not None else "")


def _text(words: str | None) -> str:
    return f": {words}" if words else ""


if __name__ == "__main__":
    sys.stdout.write(render())
