"""koubou follow: watch an answer grow until its task has ended."""

from __future__ import annotations

import argparse
import codecs
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.board.reading import Reading
    from koubou.model.task import Task
    from koubou.views.workshop import Workshop

_CHUNK = 65536


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: events, and the text as it comes")
    parser.examples("koubou follow fix-login-123", "koubou follow fix-login-123 --json | jq -r .event")


def run(arguments: argparse.Namespace) -> int:
    from contextlib import closing

    from koubou.cli import exits
    from koubou.cli.waiting import FOREVER, looks
    from koubou.cli.watching import BoardWatch
    from koubou.cli.workshop import workshop_of
    from koubou.model.status import ENDS, Status
    from koubou.views.find import find
    from koubou.views.looking import operators_only

    workshop = workshop_of(arguments)
    try:
        watch = BoardWatch(workshop)
    except PermissionError:
        instead = f"koubou wait {arguments.id} tells the end, and koubou log {arguments.id} the answer"
        raise operators_only("follow", instead) from None
    with closing(watch):
        task = find(workshop, watch.board, arguments.id)
        tail = _Tail(workshop, task, as_json=arguments.json)
        for _ in looks(FOREVER, longest=0.1):
            task = watch.board.task(task.id) or task
            tail.look(watch.board, task)
            if task.status in ENDS:
                break
    tail.end(task)
    return exits.DONE if task.status is Status.COMPLETED else exits.FAILED


class _Tail:
    """What was told of a task so far, and the answer's file of its current run."""

    def __init__(self, workshop: Workshop, task: Task, *, as_json: bool) -> None:
        self._workshop = workshop
        self._id = task.id
        self._json = as_json
        self._run = 0
        self._line = 0
        self._descriptor: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""

    def look(self, board: Reading, task: Task) -> None:
        """Tell what is new."""
        from koubou.views.log import answering_run

        lines = board.history(task, after=self._line)
        if lines:
            self._line = lines[-1].id
        number = answering_run(board, task)
        if number != self._run:
            self._read()  # the end of the run before
            self._turn_to(number)
        # The text first: an ending is told after all of its answer.
        self._read()
        if self._json:
            from koubou.board.shapes import line_shape

            for line in lines:
                self._say({"task": task.id, **line_shape(line)})

    def end(self, task: Task) -> None:
        """Tell what is left: all of an answer that was not written as it grew, and the verdict."""
        from koubou.cli.log import print_text
        from koubou.cli.say import note
        from koubou.views.answers import record_of

        self._read()
        if self._descriptor is not None:
            os.close(self._descriptor)
        record = record_of(self._workshop, task.id, task.status)
        if self._json:
            result = {"event": "end", "task": task.id, "status": task.status}
            self._say({**result, "answer": record.get("answer"), "error": record.get("error")})
            return
        if not self._text and record.get("answer"):
            print_text(record["answer"])
        elif self._text and not self._text.endswith("\n"):
            print(flush=True)
        if "error" in record:
            note(f"{task.id} {task.status}: {record['error'].get('message')}")

    def _turn_to(self, run: int) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._text and not self._json:
            from koubou.cli.say import note

            print(flush=True)
            note(f"run {run} begins anew")
        self._run, self._text = run, ""
        self._decoder.reset()

    def _read(self) -> None:
        if self._descriptor is None and self._run:
            self._descriptor = self._open()
        if self._descriptor is None:
            return
        while data := os.read(self._descriptor, _CHUNK):
            text = self._decoder.decode(data)
            self._text += text
            if self._json:
                self._say({"event": "answer", "task": self._id, "run": self._run, "text": text})
            else:
                self._show(text)

    def _open(self) -> int | None:
        from koubou.views.answers import run_folder
        from koubou.wire.record import ANSWER

        folder = run_folder(self._workshop, self._id, self._run)
        try:
            return os.open(f"{folder}/{ANSWER}", os.O_RDONLY | os.O_CLOEXEC) if folder else None
        except FileNotFoundError:
            return None

    def _show(self, text: str) -> None:
        from koubou.cli.say import clean

        sys.stdout.write(clean(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()

    def _say(self, value: dict[str, Any]) -> None:
        print(json.dumps(value, ensure_ascii=False), flush=True)
