"""Where each key and item of a YAML document stands; read again only when there is an error to report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from koubou.documents.limits import DEFAULT
from koubou.documents.problems import Path
from koubou.documents.yaml_text import plain

_ENDS = (MappingEndEvent, SequenceEndEvent)
_VALUES = (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent)


def places(source: str) -> Iterator[tuple[Path, int, int]]:
    """Path, line and column (from 1) of every key and item of a document that has been read well before."""
    loader = yaml.CSafeLoader(source)
    try:
        yield from _walk(loader)
    finally:
        loader.dispose()


def _walk(loader: Any) -> Iterator[tuple[Path, int, int]]:
    path: list[Any] = []
    # For each open container: its next index, or None for a mapping that waits for a key, or "" while it has one.
    waits: list[int | str | None] = []
    while not isinstance(event := loader.get_event(), DocumentEndEvent):
        if isinstance(event, _ENDS):
            waits.pop()
            _leave(path, waits)
        elif isinstance(event, _VALUES):
            mark: Any = event.start_mark
            line, column = mark.line + 1, mark.column + 1
            if not waits:
                yield (), line, column
            elif isinstance(index := waits[-1], int):
                path.append(index)
                waits[-1] = index + 1
                yield tuple(path), line, column
            elif waits[-1] is None:
                path.append(_key(loader, event))
                waits[-1] = ""
                yield tuple(path), line, column
                continue
            if isinstance(event, MappingStartEvent):
                waits.append(None)
            elif isinstance(event, SequenceStartEvent):
                waits.append(0)
            else:
                _leave(path, waits)


def _leave(path: list[Any], waits: list[int | str | None]) -> None:
    """A value is complete: its key or index no longer counts."""
    if waits:
        path.pop()
        if waits[-1] == "":
            waits[-1] = None


def _key(loader: Any, event: Any) -> Any:
    if not isinstance(event, ScalarEvent):
        return None
    return plain(loader, event.value, DEFAULT.digits) if event.implicit[0] else event.value
