"""JSON to plain values, stricter than json.loads: no duplicate keys, no NaN, bounded depth and numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from koubou.documents.limits import Limits
from koubou.documents.problems import BadDocument, Path, show_path
from koubou.errors import Problem

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]|[^\s"\[\]{}:,]++', re.DOTALL)
_ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class _Duplicate(Exception):
    """A key stands twice; where, is found by reading again."""


class _OddNumber(Exception):
    """A number is too long or not finite."""


def load(text: str, name: str, limits: Limits) -> Any:
    """The one value of a JSON text. Raises BadDocument."""
    _bound(text, name, limits)

    def number(digits: str) -> float | int:
        if len(digits) > limits.digits:
            raise _OddNumber
        value = float(digits) if any(sign in digits for sign in ".eE") else int(digits)
        if not math.isfinite(value):
            raise _OddNumber
        return value

    try:
        value = json.loads(
            text, object_pairs_hook=_mapping, parse_constant=_constant, parse_float=number, parse_int=number
        )
    except json.JSONDecodeError as error:
        _refuse_syntax(error, text, name)
    except _Duplicate:
        _refuse_duplicate(text, name)
    except _OddNumber:
        message = f"has a number that is not finite or longer than {limits.digits} characters"
        raise BadDocument("number", Problem(message=message, file=name)) from None
    if _ODD_ESCAPE.search(text):
        _refuse_odd_text(value, name)
    return value


def places(source: str) -> Iterator[tuple[Path, int, int]]:
    """Path, line and column (from 1) of every key and item of a JSON text that has been read well before."""
    for path, offset in _offsets(source):
        yield path, *_line_and_column(source, offset)


def _bound(text: str, name: str, limits: Limits) -> None:
    """Refuse what is nested too deep or has too many values, before the recursive reader sees it."""
    opened = text.count("[") + text.count("{")
    if opened <= limits.depth and opened + text.count(",") < limits.nodes:
        return
    depth = values = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                values += 1
            case "]" | "}":
                depth -= 1
            case ",":
                values += 1
        if depth > limits.depth:
            line, column = _line_and_column(text, token.start())
            raise BadDocument("depth", Problem(message=limits.too_deep, file=name, line=line, column=column))
        if values > limits.nodes:
            raise BadDocument("nodes", Problem(message=f"holds more than {limits.nodes:,} values", file=name))


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise _Duplicate
    return mapping


def _constant(_word: str) -> NoReturn:
    raise _OddNumber


def _refuse_syntax(error: json.JSONDecodeError, text: str, name: str) -> NoReturn:
    if not text.strip():
        raise BadDocument("empty", Problem(message="there is nothing in it", file=name)) from None
    # json's own words are fixed sentences and never quote the text.
    message = f"is not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
    raise BadDocument("json", Problem(message=message, file=name, line=error.lineno, column=error.colno)) from None


def _refuse_duplicate(text: str, name: str) -> NoReturn:
    seen: set[Path] = set()
    for path, offset in _offsets(text):
        if path in seen:
            line, column = _line_and_column(text, offset)
            key = show_path(path)
            problem = Problem(message=f'this key stands twice: "{key}"', file=name, line=line, column=column, key=key)
            raise BadDocument("duplicate_key", problem) from None
        seen.add(path)
    raise BadDocument("duplicate_key", Problem(message="a key stands twice", file=name)) from None


def _refuse_odd_text(value: Any, name: str) -> None:
    """Half a surrogate pair cannot be written as UTF-8, and NUL cannot stand in most places where text goes."""
    whole = json.dumps(value, ensure_ascii=False)
    try:
        whole.encode()
    except UnicodeEncodeError:
        raise BadDocument("encoding", Problem(message="has half of a surrogate pair (\\ud8…)", file=name)) from None
    if "\\u0000" in whole.replace("\\\\", ""):
        raise BadDocument("encoding", Problem(message="has a NUL character", file=name))


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _offsets(text: str) -> Iterator[tuple[Path, int]]:
    """Path and offset of every key and item, in the order of the text."""
    path: list[Any] = []
    waits: list[int | str | None] = []  # for each open container: next index, None = wants a key, "" = has one
    for token in _TOKEN.finditer(text):
        word = token[0]
        match word:
            case ":":
                continue
            case "," | "]" | "}":
                _leave(path, waits, closed=word != ",")
                continue
        if not waits:
            yield (), token.start()
        elif isinstance(index := waits[-1], int):
            path.append(index)
            waits[-1] = index + 1
            yield tuple(path), token.start()
        elif waits[-1] is None:
            path.append(json.loads(word))
            waits[-1] = ""
            yield tuple(path), token.start()
            continue
        if word in "[{":
            waits.append(0 if word == "[" else None)


def _leave(path: list[Any], waits: list[int | str | None], *, closed: bool) -> None:
    """A value has ended: drop its key or index, and with a bracket its container."""
    filled = waits[-1] not in (None, 0)
    if filled:
        path.pop()
    if closed:
        waits.pop()
    elif waits[-1] == "":
        waits[-1] = None
