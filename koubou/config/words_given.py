"""Settings given one by one: `KOUBOU_LOG__LEVEL=debug` in the environment, `log.level=debug` on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from koubou.config.layers import Layer, lay_over
from koubou.config.settings import Settings
from koubou.documents.checking import nearest
from koubou.documents.problems import BadDocument, Path
from koubou.documents.reading import read_documents
from koubou.errors import Problem

PREFIX = "KOUBOU_"
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "KOUBOU_MONTHLY_BUDGET": ("budget", "monthly", "usd"),
    "KOUBOU_GUARDIAN_USERNAME": ("guardian", "github", "assignee"),
}
_NOT_SETTINGS = frozenset(
    # Some are for the tests of Koubou, KOUBOU_AGENTS is where programs are looked for; the last five are what a task's
    # own processes are told.
    {
        "KOUBOU_AGENTS",
        "KOUBOU_CONFIG",
        "KOUBOU_CRASH_AT",
        "KOUBOU_TESTS",
        "KOUBOU_LAST_WORDS",
        "KOUBOU_TASK_ID",
        "KOUBOU_RUN",
        "KOUBOU_TIER",
        "KOUBOU_DEADLINE",
        "KOUBOU_BUDGET_USD",
    }
)


def from_environment(environ: Mapping[str, str], below: Mapping[str, Any]) -> tuple[list[Layer], list[Problem]]:
    """A layer for each KOUBOU_ variable, a problem for each that is no setting; `below` tells how tiers are spelled."""
    layers, problems = [], []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS:
            continue
        path = _ALIASES.get(name) or tuple(name.removeprefix(PREFIX).lower().split("__"))
        path = _as_spelled(path, below)
        if path[0] not in Settings.model_fields or "" in path:
            near = nearest(name, (*_variables(), "KOUBOU_CONFIG"))
            problems.append(Problem(message="there is no such setting", file=name, key=name, nearest=near))
        else:
            layers.append(_layer(path, environ[name], name))
    return layers, problems


def from_overrides(overrides: Mapping[str, str]) -> list[Layer]:
    """A layer for each `dotted.key` of the command line."""
    return [_layer(tuple(key.split(".")), text, "command line") for key, text in overrides.items()]


def combined(layers: Sequence[Layer]) -> dict[str, Any]:
    """What the layers say together."""
    values: dict[str, Any] = {}
    for layer in layers:
        values = lay_over(values, layer.values)
    return values


def _layer(path: tuple[str, ...], text: str, name: str) -> Layer:
    values: Any = _value(text)
    for part in reversed(path):
        values = {part: values}
    return Layer(values=values, place=lambda _path: (name, None, None))


def _value(text: str) -> Any:
    """null, a list or a mapping as YAML has them; everything else stays text, which every type of ours can read."""
    stripped = text.strip()
    if stripped in ("", "null", "~"):
        return None
    if stripped[0] in "[{":
        try:
            return read_documents(stripped.encode(errors="replace"), name="")[0].value
        except BadDocument:
            return stripped
    return stripped


def _as_spelled(path: tuple[str, ...], values: Any) -> tuple[str, ...]:
    """The path with the letter case of the keys that there are: variables are upper case, tiers need not be lower."""
    spelled = []
    for part in path:
        known = {key.lower(): key for key in values if isinstance(key, str)} if isinstance(values, Mapping) else {}
        part = known.get(part, part)
        spelled.append(part)
        values = values.get(part) if isinstance(values, Mapping) else None
    return tuple(spelled)


def _variables() -> Iterator[str]:
    yield from _ALIASES
    for path in _leaves(Settings):
        yield PREFIX + "__".join(str(part) for part in path).upper()


def _leaves(model: type[BaseModel]) -> Iterator[Path]:
    for name, field in model.model_fields.items():
        inner = _section(field.annotation)
        if inner is None:
            yield (name,)
        else:
            yield from ((name, *rest) for rest in _leaves(inner))


def _section(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, also where it may be null."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return next((found for inner in get_args(annotation) if (found := _section(inner))), None)
    return None
