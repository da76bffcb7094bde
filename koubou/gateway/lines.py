"""The writer of `calls.jsonl`: lines of all runs of a worker, durable in groups, from a thread beside the loop."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import suppress
from queue import SimpleQueue

_PATIENCE = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds: a full disk may have room again. After that the line is lost, and the call settles on its word alone."""

_Job = tuple[int, bytes, "asyncio.Future[None]"]


class Lines:
    """Writes lines behind one another. What comes while the disk is busy is written together."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="calls", daemon=True)
        self._thread.start()

    def write(self, descriptor: int, line: bytes) -> asyncio.Future[None]:
        """Append a line to this file; the future is done once the disk has it, or never will."""
        written: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put((descriptor, line, written))
        return written

    async def close(self) -> None:
        """Write what is left, and end."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs = [job]
            while not self._jobs.empty() and (more := self._jobs.get()) is not None:
                jobs.append(more)
            ended = len(jobs) > 1 and more is None
            _write_together(jobs)
            self._loop.call_soon_threadsafe(_tell, [written for _, _, written in jobs])
            if ended:
                return


def _write_together(jobs: list[_Job]) -> None:
    lines: dict[int, list[bytes]] = {}
    for descriptor, line, _ in jobs:
        lines.setdefault(descriptor, []).append(line)
    for descriptor, each in lines.items():
        _append(descriptor, b"".join(each))


def _append(descriptor: int, data: bytes) -> None:
    """All of it or nothing: a half line would hide the next one."""
    for pause in (*_PATIENCE, None):
        begun = None
        try:
            begun = os.lseek(descriptor, 0, os.SEEK_END)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fdatasync(descriptor)
        except OSError:
            with suppress(OSError):
                if begun is not None:
                    os.ftruncate(descriptor, begun)
            if pause is None:
                return
            time.sleep(pause)
        else:
            return


def _tell(futures: list[asyncio.Future[None]]) -> None:
    for written in futures:
        if not written.done():
            written.set_result(None)
