"""Every event that the code says has its meaning in the vocabulary, and its line in docs/reference/events.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from koubou.cli.events_page import render, said_in_code, topics
from koubou.crash import POINTS
from koubou.model.events import EVENTS

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "reference" / "events.md"
NO_EVENTS = frozenset(POINTS) | {
    "task.yaml",
    "control.sock",
    "system.posix_acl_access",
    "settings.conf",
    "window.listen",
    "session.done",
}
"""What looks like one: crash points, names of files, attributes and settings, what programs are told."""


def test_the_page_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == render(), "stale: run `python -m koubou.cli.events_page > docs/reference/events.md`"


def test_every_event_that_is_said_stands_in_the_vocabulary_and_the_other_way_round() -> None:
    assert sorted(said_in_code()) == sorted(EVENTS)


def test_nothing_in_the_code_looks_like_an_event_and_is_none() -> None:
    named = re.compile(rf"(?:{'|'.join(sorted(topics()))})\.[a-z_]+")
    words = {
        each.value
        for file in (PROJECT / "koubou").rglob("*.py")
        for each in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and named.fullmatch(each.value)
    }
    assert words - NO_EVENTS - set(EVENTS) == set()


def test_every_event_has_its_place_on_the_page() -> None:
    assert {event.partition(".")[0] for event in EVENTS} == topics()


def test_an_event_that_nobody_has_described_is_seen(tmp_path: Path) -> None:
    code = 'def f(self):\n    self._journal.say("kettle.boiled", "warning", litres=2)\n'
    (tmp_path / "kitchen.py").write_text(code)
    said = said_in_code(tmp_path)
    assert (said["kettle.boiled"].levels, list(said["kettle.boiled"].fields)) == ({"warning"}, ["litres"])
