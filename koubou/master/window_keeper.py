"""Keeps the window open where the settings say that there is one. When it dies the workshop goes on."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from subprocess import DEVNULL, PIPE, Popen

from koubou import crash
from koubou.config.settings import Settings
from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.source import Source
from koubou.piped import end, ended

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_GRACE = 5.0
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "HOME")
_OURS = "KOUBOU_"


class WindowKeeper:
    """One child, started anew when it ends, later each time; it lives by the pipe on its standard input."""

    def __init__(self, journal: Journal, children: Children, source: Source) -> None:
        self._journal = journal
        self._children = children
        self._source = source
        self._words = [
            *(("--config", str(source.config)) if source.config is not None else ()),
            *(word for key, value in source.overrides.items() for word in ("--set", f"{key}={value}")),
        ]
        self._settings: Settings | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._process: Popen[bytes] | None = None

    async def obey(self) -> None:
        """Open it as the settings have it, anew where those of the window have changed; close it where it listens
        nowhere. Of other changes it is told, and reads them: nobody who watches is cut off."""
        settings, before = self._source.settings, self._settings
        self._settings = settings
        if before is not None and before.window == settings.window:
            if before != settings:
                self._tell_of_others()
            return
        await self.stop()
        if settings.window.listen is not None:
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Close it."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None
        if self._process is not None:
            await end(self._process, _GRACE)
            self._children.forget(self._process.pid)
            self._process = None

    async def _keep(self) -> None:
        wait, loop = _FIRST_WAIT, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                self._process = process = self._start()
            except OSError as error:
                self._journal.say("window.closed", "error", reason=error.strerror or type(error).__name__)
            else:
                self._tell(await asyncio.to_thread(_first_line, process))
                status = await ended(process)
                self._children.forget(process.pid)
                self._journal.say("window.closed", "error", reason=f"it ended ({status}); it is opened anew")
            wait = _FIRST_WAIT if loop.time() - began > _LONGEST_WAIT else min(wait * 2, _LONGEST_WAIT)
            await asyncio.sleep(wait)

    def _tell_of_others(self) -> None:
        """A line down the pipe; one that is not open yet, or has ended, reads the settings anyway when it opens."""
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.closed:
            with suppress(OSError):
                os.write(process.stdin.fileno(), b"\n")

    def _start(self) -> Popen[bytes]:
        # It needs no key: what it is given is where the settings are.
        ours = {name: value for name, value in os.environ.items() if name.startswith(_OURS) and name != crash.WISH}
        process = Popen(
            [sys.executable, "-P", "-m", "koubou.window", *self._words],
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={**{name: os.environ[name] for name in _PASSED_ON if name in os.environ}, **ours},
            start_new_session=True,
        )
        self._children.note(process.pid)
        return process

    def _tell(self, said: Mapping[str, object]) -> None:
        if said.get("ready"):
            self._journal.say("window.open", address=said.get("address"))
        else:
            self._journal.say("window.closed", "error", reason=said.get("message") or "it did not come up")


def _first_line(process: Popen[bytes]) -> Mapping[str, object]:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        said = json.loads(process.stdout.readline(65_536))
    except (ValueError, OSError):
        return {}
    return said if isinstance(said, dict) else {}
