"""An answer as it grows, for who watches one task."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import AsyncIterator
from functools import partial

from fastapi import Request
from msgspec import Struct

from koubou.board.reading import Reading
from koubou.model.phase import Phase
from koubou.model.status import ENDS
from koubou.model.task import Task
from koubou.views.answers import record_of, run_folder
from koubou.window.streams import BEAT, HEARTBEAT, RETRY, Stay, event
from koubou.window.told import as_json
from koubou.window.window import Window
from koubou.wire.record import ANSWER

_LOOK_EVERY = 0.2
_CHUNK = 65536


class _Look(Struct, kw_only=True):
    """How a task stands, and what is new of its answer."""

    task: Task
    run: int
    text: str


async def growing(request: Request, window: Window, task: Task) -> AsyncIterator[bytes]:
    """Events `answer` with run and text as it comes, and `end` with the status; a run that begins anew says `run`."""
    reader = _Reader(window, task)
    yield RETRY
    loop, stay = asyncio.get_running_loop(), Stay(request.scope)
    said_at, run = loop.time(), 0
    try:
        while not window.is_ending and not await stay.is_over():
            look = await window.readers.ask(reader.look)
            if look.run != run:
                run = look.run
                yield event(as_json({"task": task.id, "run": run}), name="run")
            if look.text:
                said_at = loop.time()
                yield event(as_json({"task": task.id, "run": run, "text": look.text}), name="answer")
            elif look.task.status in ENDS:
                verdict = await window.readers.run(partial(_end, window, look.task, reader.total))
                yield event(as_json(verdict), name="end")
                return
            elif loop.time() - said_at > BEAT:
                said_at = loop.time()
                yield HEARTBEAT
            if len(look.text) < _CHUNK // 4:
                await asyncio.sleep(_LOOK_EVERY)
    finally:
        reader.close()


def _end(window: Window, task: Task, seen: int) -> dict[str, object]:
    """The verdict; with the answer where it was not written as it grew."""
    record = record_of(window.workshop, task.id, task.status)
    whole = {} if seen else {"answer": record.get("answer")}
    return {"task": task.id, "status": task.status, "error": record.get("error"), **whole}


class _Reader:
    """The file of the current run's answer, read on from where it was."""

    def __init__(self, window: Window, task: Task) -> None:
        self._workshop = window.workshop
        self._task = task
        self._run = 0
        self._descriptor: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.total = 0

    def look(self, board: Reading) -> _Look:
        """What is new; a thread's work."""
        self._task = task = board.task(self._task.id) or self._task
        runs = [run.number for run in board.runs(task) if run.purpose is Phase.ANSWER]
        number = task.run if task.status in ENDS else max(runs, default=0)
        if number != self._run:
            self.close()
            self._run, self.total = number, 0
            self._decoder.reset()
        return _Look(task=task, run=self._run, text=self._read())

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _read(self) -> str:
        if self._descriptor is None and self._run:
            folder = run_folder(self._workshop, self._task.id, self._run)
            try:
                self._descriptor = os.open(f"{folder}/{ANSWER}", os.O_RDONLY | os.O_CLOEXEC) if folder else None
            except OSError:
                return ""
        if self._descriptor is None:
            return ""
        data = os.read(self._descriptor, _CHUNK)
        self.total += len(data)
        return self._decoder.decode(data)
