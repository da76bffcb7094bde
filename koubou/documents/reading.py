"""The door of this room: bytes in, documents with lines out."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from koubou.documents import json_text, yaml_places, yaml_text
from koubou.documents.limits import DEFAULT, Limits
from koubou.documents.problems import BadDocument, Path
from koubou.errors import Problem

__all__ = ["BadDocument", "Document", "Limits", "read_documents"]


class Document(Struct, frozen=True, kw_only=True):
    """One document of a file: plain values (dict, list, str, int, float, bool, None, date, datetime).

    `source` is the text of this document alone, as it came. `json` says which language it is in.
    """

    value: Any
    source: str
    json: bool = False
    lines_before: int = 0

    def __repr__(self) -> str:
        return f"Document(lines_before={self.lines_before})"

    def place(self, path: Path) -> tuple[int, int] | None:
        """Line and column (from 1) of the key or item at `path`, or of the nearest part of the path that is written.

        Reads the source again, so ask only when there is an error to report.
        """
        places = json_text.places(self.source) if self.json else yaml_places.places(self.source)
        found: tuple[int, int] | None = None
        depth = -1
        for here, line, column in places:
            if len(here) > depth and path[: len(here)] == here:
                found, depth = (line + self.lines_before, column), len(here)
        return found


def read_documents(data: bytes, *, name: str, limits: Limits = DEFAULT, json: bool = False) -> list[Document]:
    """Every document of a file, in order; empty YAML documents are left out. JSON has exactly one.

    Raises BadDocument, and nothing else, for whatever is wrong; `name` is the file's name in it.
    """
    text = _text(data, name, limits)
    if json:
        return [Document(value=json_text.load(text, name, limits), source=text, json=True)]
    documents = [
        Document(value=value, source=source, lines_before=line)
        for value, source, line in yaml_text.load(text, name, limits)
    ]
    if not documents:
        raise BadDocument("empty", Problem(message="there is nothing in it", file=name))
    return documents


def _text(data: bytes, name: str, limits: Limits) -> str:
    if len(data) > limits.size:
        raise BadDocument("size", Problem(message=f"is larger than {limits.size:,} bytes", file=name))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadDocument("encoding", Problem(message="is not UTF-8 text", file=name, line=line)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadDocument("encoding", Problem(message="is binary: it has a NUL byte", file=name, line=line))
    return text
