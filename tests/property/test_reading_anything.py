"""Whatever bytes come, reading answers with documents or with BadDocument, and soon."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from koubou.documents.problems import Path
from koubou.documents.reading import BadDocument, Document, read_documents

TASK = b"""id: fix-1
prompt: |
  Look at &this and *that: "x"
files: [src/a.py, 'b']
budget: &b {cost_usd: 0.50, time: 15m}
again: {<<: *b, when: 2026-12-01T09:00:00+09:00}
---
{"p": [1, 1.5, null, true, "\\u5de5"]}
"""
YAML_PIECES = st.sampled_from(
    [
        *b"[]{}:,-?&*!|>'\"%@#\n \t\\0a<=~.",
        b"\n  ",
        b": ",
        b"- ",
        b"&a ",
        b"*a",
        b"<<: ",
        b"---\n",
        b"...",
        b"!!int ",
        b"\xef\xbb\xbf",
    ]
).map(lambda piece: bytes([piece]) if isinstance(piece, int) else piece)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def paths(value: Any, here: Path = ()) -> list[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, inner in items for path in paths(inner, (*here, key)))]


def read_or_refuse(data: bytes, *, json: bool) -> list[Document]:
    try:
        documents = read_documents(data, name="x", json=json)
    except BadDocument:
        return []
    for document in documents:
        for path in paths(document.value)[:50]:
            document.place(path)
    return documents


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=150, deadline=1000, database=None)
def test_random_bytes_are_read_or_refused(data: bytes, json: bool) -> None:
    read_or_refuse(data, json=json)


@given(st.lists(YAML_PIECES, max_size=40).map(b"".join), st.booleans())
@settings(max_examples=200, deadline=1000, database=None)
def test_random_punctuation_is_read_or_refused(data: bytes, json: bool) -> None:
    read_or_refuse(data, json=json)


@given(st.lists(st.tuples(st.integers(0, len(TASK)), st.integers(0, 6), YAML_PIECES), max_size=4))
@settings(max_examples=150, deadline=1000, database=None)
def test_a_damaged_task_file_is_read_or_refused(cuts: list[tuple[int, int, bytes]]) -> None:
    data = TASK
    for start, length, piece in cuts:
        data = data[:start] + piece + data[start + length :]
    read_or_refuse(data, json=False)


@given(PLAIN)
@settings(max_examples=100, deadline=1000, database=None)
def test_json_is_read_as_the_json_module_does_and_every_place_is_known(value: Any) -> None:
    text = json.dumps(value, indent=1)
    (document,) = read_documents(text.encode(), name="x", json=True)
    assert document.value == value
    lines = text.split("\n")
    for path in paths(value):
        line, column = document.place(path) or (0, 0)
        if path and isinstance(path[-1], str):
            assert lines[line - 1][column - 1 :].startswith(json.dumps(path[-1])), path


@given(PLAIN)
@settings(max_examples=100, deadline=1000, database=None)
def test_yaml_is_read_as_the_safe_loader_does(value: Any) -> None:
    text = yaml.safe_dump([value], allow_unicode=True)
    (document,) = read_documents(text.encode(), name="x")
    assert document.value == yaml.load(text, Loader=yaml.CSafeLoader)
