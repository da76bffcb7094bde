"""Whether an answer is all that was asked for; what it lacks is named, never quoted. It keeps nobody but its run."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from koubou.rules.asides import CAP
from koubou.rules.paper import SCHEMA
from koubou.worker import checking

SLOWEST = 5.0
"""Seconds for what a process looks through; it has two of them to compute."""
AT_ONCE = 2
"""Processes of one worker, however many of its answers have to be looked through."""
_QUICK = 5_000_000
"""Characters, counted for each part that is looked for: some ten milliseconds."""
_PASSED_ON = ("PATH", "PYTHONPATH")


class Completeness:
    """Looks through the answers of one worker: at once what is soon done, else in a process of its own."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)

    async def lacks(
        self, answer: str, finish_reason: str | None, expect: Sequence[str], schema: Mapping[str, Any] | None
    ) -> tuple[str, ...]:
        """The names of what a whole answer lacks: its end, `expect[n]` of the parts that it should name, its schema.

        One that cannot be held against its schema in time does not meet it; of parts those count that were missed by
        then. So it is too for a run that is cancelled meanwhile: the wish is met, and what was paid for is kept.
        """
        cut = (CAP,) if finish_reason == "length" else ()
        if schema is None and len(expect) * len(answer) < _QUICK:
            return (*cut, *checking.missing_parts(answer, expect)) if expect else cut
        said: list[str] = []
        try:
            asked = json.dumps({"answer": answer, "expect": list(expect), "schema": schema}, ensure_ascii=False)
            async with self._room, asyncio.timeout(SLOWEST):
                await _ask(asked.encode("utf-8", "surrogatepass"), said)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
        except Exception:  # noqa: BLE001, S110 - whatever is wrong with the process, the answer is paid for and kept
            pass
        if checking.DONE not in said and schema is not None:
            said.append(SCHEMA)
        return (*cut, *(name for name in said if name != checking.DONE))


async def _ask(asked: bytes, said: list[str]) -> None:
    """Have it looked through; what is missing is put into `said` as it comes. The process has ended on return."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        checking.__file__,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        await asyncio.gather(
            _tell(cast(StreamWriter, process.stdin), asked), _hear(cast(StreamReader, process.stdout), said)
        )
        await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())


async def _tell(stdin: StreamWriter, asked: bytes) -> None:
    with suppress(ConnectionError):  # it ended before it had heard all
        stdin.write(asked)
        await stdin.drain()
    stdin.close()


async def _hear(stdout: StreamReader, said: list[str]) -> None:
    async for line in stdout:
        if line.endswith(b"\n"):
            said.append(line.decode().strip())
