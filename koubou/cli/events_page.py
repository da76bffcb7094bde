"""Renders docs/reference/events.md: `python -m koubou.cli.events_page > docs/reference/events.md`.

What each event means stands in the vocabulary; how loudly and with which fields it is said is read in the code itself.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from koubou.model.events import EVENTS

_CODE = Path(__file__).parents[1]
_WORD = re.compile(r"[a-z]+\.[a-z_]+")
_SAYING = frozenset({"say", "note", "_tell", "add", "_done"})
_LIKE: Mapping[str, str] = {"session.recovered": "tier.recovered"}
"""Said by a word that a rule chooses."""
_LEVELS = ("debug", "info", "warning", "error")
_TOPICS: Mapping[str, tuple[str, ...]] = {
    "The workshop": ("system", "settings", "emergency", "board", "clock", "control", "hand", "journal"),
    "Files": ("intake", "shelving", "retention"),
    "Tasks": ("task", "guardrail"),
    "Calls and money": ("run", "call", "usage", "budget"),
    "Tiers and workers": ("tier", "session", "worker"),
    "People and programs": ("access", "spend", "token", "window", "notification"),
    "The guardian": ("guardian",),
}
_INTRODUCTION = """\
# Events

Rendered from the code (`python -m koubou.cli.events_page`).

`koubou serve` prints the journal on standard output, one JSON object a line: `event`, `level` (`debug`, `info`,
`warning`, `error`), `timestamp` in ISO 8601 UTC, and the fields below; a field without a value may be left out. Fields
hold ids, numbers, categories and sentences of Koubou's own: never the text of a task, a title or an answer. `nusd` is
money in nano-dollars (10⁻⁹ USD), `until` a moment in milliseconds since 1970. How to read it: [the running
service](../operations.md#logs).

Events marked ● also stand in the history of their task, with time, reason and who it was (`koubou show ID`, `koubou
explain ID`), those marked ○ in the history of the workshop (`koubou board sql "SELECT * FROM history WHERE task IS
NULL"`). Names may be added; none changes its meaning.
"""


@dataclass(slots=True)
class Said:
    """How one event is said in the code."""

    levels: set[str] = field(default_factory=set)
    fields: dict[str, None] = field(default_factory=dict)
    of_task: bool = False
    of_workshop: bool = False


def render() -> str:
    """The page, in Markdown."""
    said = said_in_code()
    parts = [_INTRODUCTION]
    for topic, prefixes in _TOPICS.items():
        parts += [f"## {topic}\n", "| event | | level | fields | means |", "| --- | --- | --- | --- | --- |"]
        parts += [_row(event, said.get(event, Said())) for event in EVENTS if event.partition(".")[0] in prefixes]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def topics() -> set[str]:
    """The first words of events that have a place on the page."""
    return {prefix for prefixes in _TOPICS.values() for prefix in prefixes}


def said_in_code(code: Path = _CODE) -> Mapping[str, Said]:
    """Every event that is said anywhere in the code, as far as one can read it there."""
    found: dict[str, Said] = {}
    for file in sorted(code.rglob("*.py")):
        for scope in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                _read(scope, found)
    found.update({event: found[other] for event, other in _LIKE.items() if other in found})
    return found


def _row(event: str, said: Said) -> str:
    mark = "●" if said.of_task else "○" if said.of_workshop else ""
    levels = ", ".join(level for level in _LEVELS if level in said.levels)
    fields = ", ".join(f"`{name}`" for name in said.fields)
    return f"| `{event}` | {mark} | {levels} | {fields} | {EVENTS[event]} |"


def _read(scope: ast.FunctionDef | ast.AsyncFunctionDef, found: dict[str, Said]) -> None:
    for call in ast.walk(scope):
        match call:
            case ast.Tuple(elts=[ast.Constant(value=str(event)), ast.Constant(value=str(level)), ast.Dict() as fields]):
                if _WORD.fullmatch(event) and level in _LEVELS:
                    said = found.setdefault(event, Said())
                    said.levels.add(level)
                    said.fields.update(dict.fromkeys(_keys(fields, scope)))
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in _SAYING:
            continue
        for event in _events(name, call, scope):
            _note(found.setdefault(event, Said()), name, call, scope)


def _note(said: Said, name: str, call: ast.Call, scope: ast.AST) -> None:
    words = [each for each in call.keywords if each.arg is not None and each.arg not in ("now", "actor")]
    match name:
        case "add":
            about_the_workshop = isinstance(call.args[0], ast.Constant)
            said.of_workshop |= about_the_workshop
            said.of_task |= not about_the_workshop
        case "note":
            said.of_task = True
            said.levels.add("info")
            said.fields.update(dict.fromkeys(["task", "reason", *(str(each.arg) for each in words)]))
        case "_done":
            said.of_workshop = True
            said.levels.add("warning")
            said.fields.update(dict.fromkeys(["reason", "actor"]))
        case _:
            told = call.args[1] if len(call.args) > 1 else ast.Constant("info")
            said.levels.update(_constants(told, scope).intersection(_LEVELS))
            said.fields.update(dict.fromkeys(str(each.arg) for each in call.keywords if each.arg is not None))
    spread = [each.value for each in call.keywords if each.arg is None]
    said.fields.update(dict.fromkeys(key for value in spread for key in _keys(value, scope)))


def _events(name: str, call: ast.Call, scope: ast.AST) -> set[str]:
    place = {"note": 1, "add": 1, "_done": 2}.get(name, 0)
    if len(call.args) <= place or (name == "add" and len(call.args) < 4):
        return set()
    told = call.args[place]
    if isinstance(told, ast.JoinedStr):
        return {f"task.{status}" for status in ("completed", "failed", "cancelled")}
    return {word for word in _constants(told, scope) if _WORD.fullmatch(word)}


def _constants(told: ast.expr, scope: ast.AST) -> set[str]:
    """The texts that an expression may stand for: its own, else those that its name is given in the same function."""
    if isinstance(told, ast.Name):
        return {text for value in _given(told.id, scope) for text in _constants(value, ast.Module([], []))}
    return {each.value for each in ast.walk(told) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def _given(name: str, scope: ast.AST) -> Iterator[ast.expr]:
    for each in ast.walk(scope):
        targets: list[ast.expr]
        match each:
            case ast.AnnAssign(target=target_, value=ast.expr() as value):
                targets = [target_]
            case ast.Assign(targets=targets, value=value):
                pass
            case _:
                continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield value
            elif isinstance(target, ast.Tuple) and name in [getattr(part, "id", "") for part in target.elts]:
                at = [getattr(part, "id", "") for part in target.elts].index(name)
                parts = [tuple_ for tuple_ in ast.walk(value) if isinstance(tuple_, ast.Tuple)]
                yield from (part.elts[at] for part in parts if len(part.elts) > at)


def _keys(value: ast.expr, scope: ast.AST) -> Iterator[str]:
    values = list(_given(value.id, scope)) if isinstance(value, ast.Name) else [value]
    for each in (part for found in values for part in ast.walk(found)):
        if isinstance(each, ast.Dict):
            yield from (key.value for key in each.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
        elif isinstance(each, ast.Call) and getattr(each.func, "id", "") == "_place":
            yield "where"


if __name__ == "__main__":
    sys.stdout.write(render())
