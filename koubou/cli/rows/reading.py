"""Rows of a CSV, TSV or JSONL file, one after another, with the line on which each begins; never the whole file."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from msgspec import Struct

from koubou.documents import json_text
from koubou.documents.limits import Limits
from koubou.documents.problems import BadDocument
from koubou.errors import Problem, UsageMistake

_BOM = b"\xef\xbb\xbf"
_JSONL = (".jsonl", ".ndjson")
_DELIMITERS: Mapping[str, str] = {".csv": ",", ".tsv": "\t"}


class Row(Struct, frozen=True, kw_only=True):
    """The text of each column; `line` is where the row begins."""

    line: int
    values: Mapping[str, str]


class Rows:
    """The rows of an open file. `columns` is its header, and empty for JSONL, where each row names its own."""

    def __init__(self, name: str, stream: IO[bytes], limits: Limits) -> None:
        self.name = name
        self._lines = _Lines(name, stream, limits.size)
        self._limits = limits
        self._reader: Any = None
        self.columns: Sequence[str] = ()

    def __iter__(self) -> Iterator[Row | Problem]:
        """Each row, or what is wrong with it. Raises BadDocument where nothing after it can be read."""
        return self._of_csv() if self.columns else self._of_jsonl()

    def begin_csv(self, delimiter: str) -> None:
        """Read the header. Raises BadDocument."""
        csv.field_size_limit(self._limits.size)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        try:
            header: list[str] = next((cells for cells in self._reader if cells), [])
        except csv.Error as error:
            raise self._bad(f"is not valid CSV: {error}") from None
        columns = [cell.strip() for cell in header]
        if not columns:
            raise self._bad("is empty: the first line names the columns")
        if "" in columns:
            raise self._bad(f"column {columns.index('') + 1} has no name: the first line names the columns")
        if len(set(columns)) < len(columns):
            twice = next(number for number, name in enumerate(columns, start=1) if name in columns[: number - 1])
            raise self._bad(f"column {twice} has the name of an earlier one")
        self.columns = columns

    def begin(self, suffix: str) -> None:
        """Find out which kind of rows these are, by the file's name or, of standard input, by its first line."""
        if suffix in _JSONL or (not suffix and self._lines.first.lstrip()[:1] == "{"):
            return
        delimiter = _DELIMITERS.get(suffix or ".csv")
        if delimiter is None:
            raise UsageMistake(f"--from {self.name}: takes a file that ends in .csv, .tsv, .jsonl or .ndjson")
        if delimiter == "," and "," not in self._lines.first and ";" in self._lines.first:
            delimiter = ";"  # as spreadsheets write it where the comma stands in numbers
        self.begin_csv(delimiter)

    def _of_csv(self) -> Iterator[Row | Problem]:
        width, names = len(self.columns), self.columns
        while True:
            line = self._lines.line + 1
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                yield Problem(message=f"is not valid CSV: {error}", file=self.name, line=line)
                continue
            if cells is None:
                return
            if not cells:
                continue
            if len(cells) != width:
                message = f"has {len(cells)} cells where the header names {width} columns"
                yield Problem(message=message, file=self.name, line=line)
            else:
                yield Row(line=line, values=dict(zip(names, cells, strict=True)))

    def _of_jsonl(self) -> Iterator[Row | Problem]:
        for text in self._lines:
            if not text.strip():
                continue
            line = self._lines.line
            try:
                value = json_text.load(text, self.name, self._limits)
            except BadDocument as bad:
                yield bad.problem._replace(line=line)
                continue
            if isinstance(value, dict):
                yield Row(line=line, values={name: _as_text(cell) for name, cell in value.items()})
            else:
                yield Problem(message="is not an object: a row is {…}", file=self.name, line=line)

    def _bad(self, message: str) -> BadDocument:
        return BadDocument("rows", Problem(message=message, file=self.name, line=max(1, self._lines.line)))


@contextmanager
def rows_of(path: str, limits: Limits) -> Iterator[Rows]:
    """The rows of a file, or of standard input for `-`. Raises BadDocument, UsageMistake, and OSError."""
    if path == "-":
        rows = Rows("standard input", sys.stdin.buffer, limits)
        rows.begin("")
        yield rows
        return
    with open(path, "rb") as stream:
        rows = Rows(path, stream, limits)
        dot = path.rfind(".")
        rows.begin(path[dot:].lower() if dot > path.rfind("/") else ".")
        yield rows


class _Lines:
    """The lines of a file as text, bounded; `line` counts those that were given out."""

    def __init__(self, name: str, stream: IO[bytes], largest: int) -> None:
        self._name = name
        self._stream = stream
        self._largest = largest
        self._read = 0
        self.line = 0
        first = self._next()
        self.first = first or ""
        self._held: str | None = first

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        text, self._held = (self._held, None) if self._held is not None else (self._next(), None)
        if text is None:
            raise StopIteration
        self.line += 1
        return text

    def _next(self) -> str | None:
        data = self._stream.readline(self._largest + 1)
        self._read += 1
        if self._read == 1:
            data = data.removeprefix(_BOM)
        if not data:
            return None
        if len(data) > self._largest:
            raise self._bad("size", f"is longer than {self._largest:,} bytes")
        if b"\0" in data:
            raise self._bad("encoding", "is binary: it has a NUL byte")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise self._bad("encoding", "is not UTF-8 text") from None

    def _bad(self, kind: str, message: str) -> BadDocument:
        return BadDocument(kind, Problem(message=message, file=self._name, line=self._read))


def _as_text(cell: Any) -> str:
    """A cell of JSONL as it goes into a text: a string as it is, nothing for null, else its JSON."""
    if isinstance(cell, str):
        return cell
    return "" if cell is None else json.dumps(cell, ensure_ascii=False)
