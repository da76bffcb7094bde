"""YAML to plain values, from the parser's events, so that every bound holds before anything unfolds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from koubou.documents.limits import Limits
from koubou.documents.problems import BadDocument, Path, show_path
from koubou.errors import Problem

_INT, _MERGE_TAG, _VALUE_TAG = (f"tag:yaml.org,2002:{name}" for name in ("int", "merge", "value"))


class _Merge:
    """The key `<<`, which takes over what another mapping has."""

    def __repr__(self) -> str:
        return "<<"


MERGE = _Merge()
_TOO_DEEP = "exceeded maximum nesting depth"
_NO_KEY = object()


def load(text: str, name: str, limits: Limits) -> Iterator[tuple[Any, str, int]]:
    """Value, source and number of lines before it, for each document that is not empty. Raises BadDocument."""
    parser = yaml.CSafeLoader(text)
    composer = _Composer(parser, name, limits)
    try:
        documents = list(composer.documents())
    except yaml.YAMLError as error:
        raise _bad(error, text, name, limits) from None
    finally:
        parser.dispose()
    starts = [0, *(start for _, start, _, _ in documents[1:]), len(text)]
    for number, (value, _, line, empty) in enumerate(documents):
        if not empty:
            yield value, text[starts[number] : starts[number + 1]], line if number else 0


class _Frame:
    """A mapping or list that is being filled."""

    __slots__ = ("anchor", "characters", "container", "key", "merges", "nodes")

    def __init__(self, container: Any, anchor: str | None, nodes: int, characters: int) -> None:
        self.container = container
        self.anchor = anchor
        self.nodes = nodes
        self.characters = characters
        self.key: Any = _NO_KEY
        self.merges: list[dict[Any, Any]] | None = None


def plain(loader: Any, text: str, digits: int) -> Any:
    """What the safe loader makes of a scalar without quotes; MERGE for `<<`. Raises ValueError or OverflowError."""
    for tag, pattern in loader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            if len(text) > digits:
                raise ValueError("too long")
            if tag == _INT and text[0] in "123456789" and text.isdigit():
                return int(text)
            if tag == _MERGE_TAG:
                return MERGE
            return text if tag == _VALUE_TAG else loader.yaml_constructors[tag](loader, yaml.ScalarNode(tag, text))
    return text


def _bad(error: yaml.YAMLError, text: str, name: str, limits: Limits) -> BadDocument:
    """Where the parser stopped, in its own fixed words: they never quote the text."""
    words = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    # Newer parsers read ahead, and meet a bound of their own before ours is seen.
    too_deep = words == _TOO_DEEP
    message = limits.too_deep if too_deep else f"is not valid YAML: {words}"
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        problem = Problem(message=message, file=name, line=mark.line + 1, column=mark.column + 1)
    else:
        before = text.encode()[: getattr(error, "position", 0)]
        problem = Problem(message=message, file=name, line=before.count(b"\n") + 1)
    return BadDocument("depth" if too_deep else "yaml", problem)


class _Composer:
    """Fills mappings and lists from events. Counts what it has seen over the whole file."""

    __slots__ = ("aliases", "anchors", "characters", "frames", "limits", "name", "nodes", "parser")

    def __init__(self, parser: Any, name: str, limits: Limits) -> None:
        self.parser = parser
        self.name = name
        self.limits = limits
        self.frames: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.nodes = self.characters = self.aliases = 0

    def documents(self) -> Iterator[tuple[Any, int, int, bool]]:
        """Value, first character, first line (from 0) and whether it is empty, for each document."""
        while not isinstance(event := self.parser.get_event(), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                mark: Any = event.start_mark
                self.anchors.clear()
                value, empty = self._document()
                yield value, mark.index, mark.line, empty

    def _document(self) -> tuple[Any, bool]:
        get_event = self.parser.get_event
        while True:
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                value = self._scalar(event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = self._close(event)
            elif kind is MappingStartEvent:
                self._open({}, event)
                continue
            elif kind is SequenceStartEvent:
                self._open([], event)
                continue
            else:
                value = self._alias(event)
            if not self.frames:
                return (None, True) if value is MERGE else (value, kind is ScalarEvent and event.value == "")
            self._put(value, event)

    def _scalar(self, event: ScalarEvent) -> Any:
        text: str = event.value
        self._count(1, len(text), event)
        if event.tag is not None:
            self._refuse("tag", "YAML tags (!…) are not allowed", event)
        value = self._plain(text, event) if event.implicit[0] else text
        if "\0" in text:
            self._refuse("encoding", "has a NUL character", event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1, len(text))
        return value

    def _plain(self, text: str, event: ScalarEvent) -> Any:
        try:
            value = plain(self.parser, text, self.limits.digits)
        except (ValueError, OverflowError):
            self._refuse("number", "is not a number, date or time that exists; put it in quotes if it is text", event)
        if isinstance(value, float) and not math.isfinite(value):
            self._refuse("number", "is not a finite number", event)
        return value

    def _alias(self, event: AliasEvent) -> Any:
        self.aliases += 1
        if self.aliases > self.limits.aliases:
            self._refuse("alias", f"has more than {self.limits.aliases} aliases", event)
        if event.anchor not in self.anchors:
            self._refuse("alias", "an alias (*…) needs an anchor (&…) that is complete before it", event)
        value, nodes, characters = self.anchors[event.anchor]
        self._count(nodes, characters, event)
        return value

    def _open(self, container: Any, event: Any) -> None:
        if event.tag is not None:
            self._refuse("tag", "YAML tags (!…) are not allowed", event)
        if len(self.frames) >= self.limits.depth:
            self._refuse("depth", self.limits.too_deep, event)
        self.frames.append(_Frame(container, event.anchor, self.nodes, self.characters))
        self._count(1, 0, event)

    def _close(self, event: Any) -> Any:
        frame = self.frames.pop()
        # What stands in a mapping itself goes before what it takes over, and the first merge before later ones.
        for merged in frame.merges or ():
            self._count(len(merged), 0, event)
            for key, value in merged.items():
                frame.container.setdefault(key, value)
        if frame.anchor is not None:
            sizes = (self.nodes - frame.nodes, self.characters - frame.characters)
            self.anchors[frame.anchor] = (frame.container, *sizes)
        return frame.container

    def _put(self, value: Any, event: Any) -> None:
        frame = self.frames[-1]
        if type(frame.container) is list:
            frame.container.append("<<" if value is MERGE else value)
        elif frame.key is _NO_KEY:
            self._take_key(frame, value, event)
        elif frame.key is MERGE:
            self._take_over(frame, value, event)
        else:
            frame.container[frame.key] = "<<" if value is MERGE else value
            frame.key = _NO_KEY

    def _take_key(self, frame: _Frame, key: Any, event: Any) -> None:
        if isinstance(key, dict | list):
            self._refuse("yaml", "a mapping or list cannot be a key", event)
        frame.key = key
        if key in frame.container or (key is MERGE and frame.merges is not None):
            self._refuse("duplicate_key", "this key stands twice", event, self._path())

    def _take_over(self, frame: _Frame, value: Any, event: Any) -> None:
        merges = value if isinstance(value, list) else [value]
        if not all(isinstance(merged, dict) for merged in merges):
            self._refuse("yaml", "<< takes a mapping or a list of mappings", event)
        frame.merges = merges
        frame.key = _NO_KEY

    def _path(self) -> Path:
        return tuple(len(frame.container) if isinstance(frame.container, list) else frame.key for frame in self.frames)

    def _count(self, nodes: int, characters: int, event: Any) -> None:
        self.nodes += nodes
        self.characters += characters
        if self.nodes > self.limits.nodes or self.characters > self.limits.size:
            self._refuse("nodes", f"holds more than {self.limits.nodes:,} values, or too much text by aliases", event)

    def _refuse(self, kind: str, message: str, event: Any, path: Path | None = None) -> NoReturn:
        mark = event.start_mark
        key = None if path is None else show_path(path)
        text = message if key is None else f'{message}: "{key}"'
        problem = Problem(message=text, file=self.name, line=mark.line + 1, column=mark.column + 1, key=key)
        raise BadDocument(kind, problem)
