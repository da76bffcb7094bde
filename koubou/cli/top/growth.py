"""The answer of a task's current run as it grows on disk; of an agent that has none yet what it says."""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence

from koubou.board.reading import Reading
from koubou.cli.agent_log import LOG, readable
from koubou.errors import UnknownTask
from koubou.model.status import ENDS
from koubou.model.task import Task
from koubou.views.answers import run_folder
from koubou.views.log import answering_run
from koubou.views.words import clean
from koubou.views.workshop import Workshop
from koubou.wire.record import ANSWER

_CHUNK = 65_536
_MOST_AT_FIRST = 200_000
"""Bytes of what was there before: what is further back, koubou log has."""


class Growth:
    """Reads on where it stopped; for one thread."""

    def __init__(self, workshop: Workshop, task_id: str) -> None:
        self.status, self.run, self.ended = "pending", 0, False
        self._workshop, self._id = workshop, task_id
        self._board: Reading | None = None
        self._file: tuple[int, str] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""

    def look(self) -> tuple[bool, Sequence[str]]:
        """Whether it begins anew, and the pieces that came. Raises UnknownTask, BoardUnavailable, PermissionError."""
        task, number = self._standing()
        anew = number != self.run
        if anew:
            self._let_go()
        self.run, self.status = number, "parked" if task.park else str(task.status)
        pieces = self._read() if number else []
        # The answer is complete once the board says that it ended: what comes after this look is none.
        self.ended = task.status in ENDS and not pieces
        return anew, pieces

    def close(self) -> None:
        """Let go of file and board."""
        self._let_go()
        if self._board is not None:
            self._board.close()
            self._board = None

    def _standing(self) -> tuple[Task, int]:
        served = self._workshop.served
        if self._board is None or not served:
            if self._board is not None:
                self._board.close()
            self._board = self._workshop.open_board(served=served)
        with self._board.picture():
            task = self._board.task(self._id)
            if task is None:
                raise UnknownTask(f'there is no task "{self._id}" any more')
            return task, answering_run(self._board, task)

    def _read(self) -> list[str]:
        if self._file is None or self._file[1] != ANSWER:
            self._open()
        if self._file is None:
            return []
        descriptor, name = self._file
        pieces = []
        while data := os.read(descriptor, _CHUNK):
            text = self._decoder.decode(data)
            pieces.append(clean(text) if name == ANSWER else self._told(text))
        return [piece for piece in pieces if piece]

    def _told(self, text: str) -> str:
        """What whole lines of an agent's log say to a person."""
        *lines, self._line = (self._line + text).split("\n")
        return "".join(f"{said}\n" for line in lines for said in readable(line))

    def _open(self) -> None:
        """The answer where there is one, else what the agent says."""
        folder = run_folder(self._workshop, self._id, self.run)
        for name in (ANSWER, LOG) if folder else ():
            if self._file is not None and self._file[1] == name:
                return
            try:
                descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                continue
            self._let_go()
            self._file = (descriptor, name)
            size = os.fstat(descriptor).st_size
            if size > _MOST_AT_FIRST:
                os.lseek(descriptor, size - _MOST_AT_FIRST, os.SEEK_SET)
            return

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file[0])
        self._file, self._line = None, ""
        self._decoder.reset()
