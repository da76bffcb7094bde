"""Renders docs/reference/settings.md from the models, so that the page and the program cannot differ.

`python -m koubou.config.reference > docs/reference/settings.md`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from koubou.config.settings import Settings
from koubou.config.words import Shown

_INTRODUCTION = """\
# Settings

Rendered from the code (`python -m koubou.config.reference`); `etc/koubou.yaml` shows the same as a file with comments.

Settings come in layers, each over the one before, key by key: what is built in; `/etc/koubou/koubou.yaml` (or
`--config FILE`, or `KOUBOU_CONFIG`); `conf.d/*.yaml` beside that file; environment variables such as
`KOUBOU_BUDGET__MONTHLY__USD=300`, with `__` between keys; the command line. `KOUBOU_MONTHLY_BUDGET` is short for
`budget.monthly.usd`, `KOUBOU_GUARDIAN_USERNAME` for `guardian.github.assignee`. A file that names `tiers` replaces the
built-in tiers, all of them. `koubou check` shows what is in force, and every mistake at once.

Durations are `200ms 30s 5m 2h 1d` or a number of seconds; sizes `512kB 10MB 2GiB` or a number of bytes; USD a number;
a share is a part of a limit (0.8 = 80 %). A key source is one of `{env: NAME}`, `{credential: NAME}` (systemd) and
`{secret: NAME}` (systemd, else what `koubou secret` keeps); keys themselves never stand in the settings.
"""


def render() -> str:
    """The page, in Markdown."""
    return "\n".join([_INTRODUCTION, *_section(Settings, "")]).rstrip() + "\n"


def _section(model: type[BaseModel], path: str) -> Iterator[str]:
    inner: list[tuple[str, FieldInfo, type[BaseModel]]] = []
    rows: list[str] = []
    for name, field in model.model_fields.items():
        section = _model(field.annotation)
        if section is not None and not _named(field):
            inner.append((f"{path}.{name}".removeprefix("."), field, section))
        else:
            rows.append(f"| `{name}` | {_type(field)} | {_default(field)} | {field.description} |")
            if section is not None and section.__name__ == "PriceSettings":
                inner.append((f"{path}.{name}", field, section))
    if rows:
        yield from ("| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows, "")
    for below, field, section in inner:
        heading = below if get_origin(field.annotation) is not dict else f"{below}.<name>"
        yield from (f"{'#' * min(4, 2 + heading.count('.'))} {heading}", "", field.description or "", "")
        yield from _section(section, heading)


def _named(field: FieldInfo) -> bool:
    """Whether the field's type has a name of its own, so that its keys are not listed one by one."""
    marks = [*field.metadata, *(_shown(inner) for inner in get_args(field.annotation))]
    return any(isinstance(mark, Shown | str) for mark in marks) and get_origin(field.annotation) is not dict


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds: as it is, as the values of a mapping, or as one of several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType, dict):
        return next((found for inner in get_args(annotation) if (found := _model(inner))), None)
    return None


def _type(field: FieldInfo) -> str:
    for mark in field.metadata:
        if isinstance(mark, Shown):
            return mark.name
    return _words(field.annotation)


def _words(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin in (Union, UnionType):
        return " or ".join("null" if each is type(None) else _words(each) for each in inner)
    if origin is tuple:
        return f"list of {_words(inner[0])}"
    if origin is dict:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return _shown(annotation) or {bool: "true or false", str: "text"}.get(annotation, "any")


def _shown(annotation: Any) -> str | None:
    if get_origin(annotation) is not Annotated:
        return None
    return next((mark.name for mark in annotation.__metadata__ if isinstance(mark, Shown)), None)


def _default(field: FieldInfo) -> str:
    if isinstance(field.json_schema_extra, dict) and "shown_default" in field.json_schema_extra:
        return str(field.json_schema_extra["shown_default"])
    if field.is_required():
        return "required"
    default = field.default
    if isinstance(default, BaseModel):
        default = default.model_dump(exclude_none=True)
    match default:
        case None:
            return "`null`"
        case bool():
            return f"`{str(default).lower()}`"
        case tuple():
            return f"`[{', '.join(map(str, default))}]`"
        case dict():
            return f"`{{{', '.join(f'{key}: {value}' for key, value in default.items())}}}`"
    return f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(render())
