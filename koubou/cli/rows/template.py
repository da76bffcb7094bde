"""A task file with `{{ row.column }}` in its texts. What a row says is put in after YAML was read: it stays text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou.cli.rows.reading import Row
from koubou.documents.checking import nearest
from koubou.documents.limits import Limits
from koubou.documents.problems import BadDocument, Path, show_key, show_path
from koubou.documents.reading import Document, read_documents
from koubou.errors import Problem, TaskFileError

_PREFIX = "row."
_OPEN = "{{"


class Column(Struct, frozen=True):
    """A place for the text of a column."""

    name: str


Piece = str | Column


class BadRow(Exception):
    """What a row lacks, or must not say, for this template."""

    def __init__(self, message: str, near: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.near = near


class Template:
    """One document of a task file. `folder` is where the files that it names lie."""

    def __init__(self, file: str, document: Document, folder: str) -> None:
        self.file = file
        self.folder = folder
        self._document = document
        self._value = self._compiled(document.value, ())
        self._inputs = bool(document.value.get("inputs"))
        self.columns = frozenset(column for column, _ in self._places())

    def fill(self, row: Row) -> dict[str, Any]:
        """The task that a row makes. Raises BadRow; no message quotes the row."""
        return _filled(self._value, row.values, self._inputs)  # type: ignore[no-any-return]

    def check_columns(self, columns: Sequence[str]) -> None:
        """See that a header has every column that is named here. Raises TaskFileError with each that it lacks."""
        problems = [
            self._problem(f"names no column of the rows: {_PREFIX}{show_key(name)}", path, nearest(name, columns))
            for name, path in self._places()
            if name not in columns
        ]
        if problems:
            raise TaskFileError("column", problems[0], problems[1:])

    def _compiled(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            pieces = _pieces(value)
            return value if pieces == [value] or not pieces else tuple(pieces)
        if isinstance(value, dict):
            for key in value:
                if any(isinstance(piece, Column) for piece in _pieces(str(key))):
                    raise TaskFileError("column", self._problem("a column can stand in a value, not in a key", path))
            return {key: self._compiled(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._compiled(inner, (*path, index)) for index, inner in enumerate(value)]
        return value

    def _places(self) -> Iterator[tuple[str, Path]]:
        """Each column that is named, and where."""
        waiting: list[tuple[Any, Path]] = [(self._value, ())]
        while waiting:
            value, path = waiting.pop()
            if isinstance(value, tuple):
                yield from ((piece.name, path) for piece in value if isinstance(piece, Column))
            elif isinstance(value, dict):
                waiting += ((inner, (*path, key)) for key, inner in reversed(value.items()))
            elif isinstance(value, list):
                waiting += ((inner, (*path, index)) for index, inner in reversed(list(enumerate(value))))

    def _problem(self, message: str, path: Path, near: str | None = None) -> Problem:
        line, column = self._document.place(path) or (None, None)
        key = show_path(path)
        told = f"{key} {message}" if key else message
        near = f"{_PREFIX}{near}" if near else None
        return Problem(message=told, file=self.file, line=line, column=column, key=key, nearest=near)


def template_of(path: str, limits: Limits) -> Template:
    """The template in a file. Raises TaskFileError; OSError where there is none."""
    with open(path, "rb") as file:
        data = file.read(limits.size + 1)
    try:
        documents = read_documents(data, name=path, limits=limits, json=path.lower().endswith(".json"))
    except BadDocument as bad:
        hint = '; put text with {{ … }} in quotes, such as "{{ row.name }}"' if _OPEN.encode() in data else ""
        raise TaskFileError(bad.kind, bad.problem._replace(message=bad.problem.message + hint)) from None
    if len(documents) > 1:
        raise TaskFileError("documents", Problem(message="a template is one document", file=path))
    if not isinstance(documents[0].value, dict):
        raise TaskFileError("schema", Problem(message="must be a mapping (key: value)", file=path))
    return Template(path, documents[0], os.path.dirname(os.path.abspath(path)))


def _pieces(text: str) -> list[Piece]:
    """A text cut at its columns; other words in braces are left as they are."""
    first, *others = text.split(_OPEN)
    pieces: list[Piece] = [first] if first else []
    for other in others:
        word, closed, rest = other.partition("}}")
        name = word.strip()
        if closed and name.startswith(_PREFIX):
            pieces.append(Column(name.removeprefix(_PREFIX).strip()))
            pieces += [rest] if rest else []
        elif pieces and isinstance(pieces[-1], str):
            pieces[-1] += _OPEN + other
        else:
            pieces.append(_OPEN + other)
    return pieces


def _filled(value: Any, row: Mapping[str, str], inputs: bool) -> Any:
    if isinstance(value, tuple):
        return _text(value, row, inputs)
    if isinstance(value, dict):
        return {key: _filled(inner, row, inputs) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, row, inputs) for inner in value]
    return value


def _text(pieces: Sequence[Piece], row: Mapping[str, str], inputs: bool) -> str:
    text = "".join(piece if isinstance(piece, str) else _cell(piece.name, row) for piece in pieces)
    # An answer of another task is put in later, where the template asks for it and not where a row does.
    own = sum(piece.count(_OPEN) for piece in pieces if isinstance(piece, str))
    if inputs and text.count(_OPEN) > own:
        raise BadRow(f"has {_OPEN} in a column: beside inputs only the template may")
    return text


def _cell(name: str, row: Mapping[str, str]) -> str:
    text = row.get(name)
    if text is None:
        raise BadRow(f"has no column {show_key(name)}, which the template names", nearest(name, row))
    return text
