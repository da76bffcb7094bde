"""Whether an answer is all that was asked for."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import pytest

from koubou.rules.paper import SCHEMA
from koubou.worker import checking
from koubou.worker.complete import Completeness


def lacks(
    answer: str, finish_reason: str | None, expect: Sequence[str], schema: dict[str, Any] | None = None
) -> tuple[str, ...]:
    return asyncio.run(Completeness().lacks(answer, finish_reason, expect, schema))


def test_a_whole_answer_lacks_nothing() -> None:
    assert lacks("yes", "stop", ()) == ()
    assert lacks("", None, ()) == ()


def test_what_is_missing_is_named_and_never_quoted() -> None:
    found = lacks("Only Tests are here", "length", ["tests", "Migration plan", "ROLLBACK"], {"type": "object"})
    assert found == ("cap", "expect[1]", "expect[2]", SCHEMA)


def test_parts_are_found_whatever_their_case() -> None:
    assert lacks("STRASSE und Ärger", "stop", ["straße", "ärger"]) == ()


@pytest.mark.parametrize(
    ("answer", "meets"),
    [('{"n": 3}', True), ('{"n": "3"}', False), ("{}", False), ("n = 3", False), ("", False), ("[" * 99_999, False)],
)
def test_an_answer_meets_its_schema_or_lacks_it(answer: str, meets: bool) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert checking.meets(answer, schema) == meets
    assert lacks(answer, "stop", (), schema) == (() if meets else (SCHEMA,))


def test_nothing_is_ever_fetched() -> None:
    asked = []

    class Door(http.server.BaseHTTPRequestHandler):
        def handle(self) -> None:
            asked.append(self.client_address)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/schema.json"
        for schema in ({"$ref": address}, {"$schema": address}, {"items": {"$ref": f"{address}#/a"}}, {"$id": address}):
            assert checking.meets("[1]", schema), "a schema that cannot be used asks for nothing"
        for place in ("file:///etc/passwd", "/etc/passwd", "../x.json"):
            assert checking.meets("[1]", {"$ref": place})
        server.shutdown()
    assert asked == []


@pytest.mark.parametrize("pattern", ["^(a+)+$", r"^(a|aa)+\1?$", "^(?=(a+)+$)(a+)+$", "(((a{100}){100}){100})", "["])
def test_no_pattern_takes_long_however_often_it_is_tried(pattern: str) -> None:
    schema = {"type": "array", "contains": {"type": "string", "pattern": pattern}}
    began = perf_counter()
    checking.meets(json.dumps(["a" * 40 + "b"] * 200), schema)
    assert perf_counter() - began < 1


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"not": {"$ref": "#"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"type": 5},
        {"minimum": "x"},
        {"multipleOf": 0},
        {"multipleOf": 1e-300},
        {"pattern": "\\"},
        {"format": "regex"},
        {},
    ],
)
def test_no_schema_makes_a_worker_fail(schema: dict[str, Any]) -> None:
    for answer in ("1", '"("', "[" * 400 + "]" * 400, "1" * 4_000, '"\\ud800"'):
        checking.meets(answer, schema)
