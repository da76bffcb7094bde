"""The journal never stops the workshop, and says what it could not say."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from koubou import journal as journal_module
from koubou.journal import Journal

ROOM = 200


def told(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """A pipe whose writer puts every line into it at once, and a journal with less room than usual."""
    monkeypatch.setattr(journal_module, "_ROOM", ROOM)
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as reader:
        writer = io.TextIOWrapper(io.FileIO(writing, "w"), encoding="utf-8", write_through=True)
        try:
            yield reader, writer
        finally:
            with closing(writer):
                pass


def test_every_line_is_one_json_object_with_the_words_that_programs_rely_on() -> None:
    stream = io.StringIO()
    journal = Journal(stream=stream)
    journal.say("task.parked", "warning", task="a", reason="工房\nline\ud800", until=None)
    journal.say("system.ready")
    journal.close()
    first, second = told(stream.getvalue())
    assert (first["event"], first["level"], first["task"], first["reason"]) == (
        "task.parked",
        "warning",
        "a",
        "工房\nline\ud800",
    )
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("system.ready", "info")


def test_the_name_of_a_file_that_is_no_text_is_told_all_the_same(
    pipe: tuple[io.TextIOWrapper, io.TextIOWrapper],
) -> None:
    reader, writer = pipe
    journal = Journal(stream=writer)
    journal.say("intake.stuck", "error", file=os.fsdecode(b"caf\xe9.yaml"), reason="日本語")
    journal.close()
    writer.close()
    (line,) = told(reader.read())
    assert (os.fsencode(line["file"]), line["reason"]) == (b"caf\xe9.yaml", "日本語")
    assert journal.dropped == 0


@pytest.mark.parametrize(("level", "heard"), [("debug", "abcd"), ("info", "bcd"), ("warning", "cd"), ("error", "d")])
def test_what_is_below_the_level_is_not_said(level: str, heard: str) -> None:
    stream = io.StringIO()
    journal = Journal(stream=stream, level=level)
    for event, each in zip("abcd", ("debug", "info", "warning", "error"), strict=True):
        journal.say(event, each)
    journal.close()
    assert "".join(line["event"] for line in told(stream.getvalue())) == heard


def test_people_get_lines_for_people() -> None:
    stream = io.StringIO()
    journal = Journal(stream=stream, form="console")
    journal.say("system.ready", home="/var/koubou")
    journal.close()
    assert "system.ready" in stream.getvalue()
    assert "home=/var/koubou" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_a_stdout_that_nobody_reads_costs_lines_and_never_time(
    pipe: tuple[io.TextIOWrapper, io.TextIOWrapper],
) -> None:
    reader, writer = pipe
    journal = Journal(stream=writer)
    said = 0
    while journal.dropped < 50:  # the pipe is full, then the queue: saying goes on
        said += 1
        journal.say("task.enqueued", task="x" * 200, number=said)
    lost = journal.dropped
    lines: list[dict[str, Any]] = []
    counted = threading.Event()

    def read() -> None:
        for line in reader:
            lines.append(json.loads(line))
            if lines[-1]["event"] == "journal.dropped":
                counted.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert counted.wait(10), "nobody is told of what was dropped"
    journal.close()
    writer.close()
    thread.join()
    (word,) = [line for line in lines if line["event"] == "journal.dropped"]
    assert (word["count"], word["level"]) == (lost, "warning")
    numbers = [line["number"] for line in lines if line["event"] == "task.enqueued"]
    assert numbers == sorted(numbers)
    assert len(numbers) == said - lost


def test_the_end_does_not_wait_for_a_reader_who_never_comes(
    pipe: tuple[io.TextIOWrapper, io.TextIOWrapper],
) -> None:
    reader, writer = pipe
    journal = Journal(stream=writer)
    while not journal.dropped:
        journal.say("task.enqueued", task="x" * 1000)
    journal.close(patience=0.05)
    reader.close()  # now the writer gets its broken pipe and can end
    journal.close()
    journal.say("system.stopped")


def test_a_reader_that_has_gone_is_no_reason_to_stop(pipe: tuple[io.TextIOWrapper, io.TextIOWrapper]) -> None:
    reader, writer = pipe
    reader.close()
    journal = Journal(stream=writer)
    journal.say("task.enqueued")
    journal.say("task.enqueued")
    journal.close()
    assert journal.dropped == 2
