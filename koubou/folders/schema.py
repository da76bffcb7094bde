"""The JSON Schema of a task file, for editors."""

from __future__ import annotations

from typing import Any

from koubou.folders.task_file import TaskFile


def task_schema() -> dict[str, Any]:
    """Draft 2020-12, for one document of a task file as people write it; agrees with what is read."""
    schema = TaskFile.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Koubou task file", **_tidy(schema)}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the titles that the generator makes of names; a default of None means that there is none to show."""
    properties = {name: _without_noise(shape) for name, shape in schema["properties"].items()}
    parts = {
        name: {**part, "properties": {key: _without_noise(shape) for key, shape in part["properties"].items()}}
        for name, part in schema["$defs"].items()
    }
    rest = {key: value for key, value in schema.items() if key not in ("title", "properties", "$defs")}
    return {**rest, "properties": properties, "$defs": parts}


def _without_noise(shape: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if key != "title" and not (key == "default" and value is None)}
