"""The control socket: one JSON line asks, one JSON line answers; the kernel says who asks (SO_PEERCRED)."""

from __future__ import annotations

import asyncio
import grp
import json
import os
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from koubou.master.callers import caller_of
from koubou.model.access import EVERYBODY_SUBMITS, Access, Caller

NAME = "control.sock"
GROUP = "koubou-submit"
_LONGEST_LINE = 4 * 1024 * 1024
_LONGEST_PATH = 100
_MOST_CALLERS = 128
_MOST_OF_ONE = 32
"""Connections of one user; root and the workshop's own user get in whatever others do."""
_PATIENCE = 300.0
_CREDENTIALS = struct.Struct("3i")

Answer = Callable[[str, Caller, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""(verb, caller, arguments) → the reply."""


class Control:
    """Listens in the workshop's run folder; `answer` is asked for each line, `access` says who is what just then."""

    def __init__(
        self, run_folder: str, answer: Answer, access: Callable[[], Access] = lambda: EVERYBODY_SUBMITS
    ) -> None:
        self._folder = run_folder
        self._access = access
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()
        self._of_uid: Counter[int] = Counter()

    async def open(self) -> None:
        """Begin to listen. A socket that a dead master left is taken away: the caller holds the workshop's lock."""
        path = os.path.join(self._folder, NAME)
        with suppress(FileNotFoundError):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # A socket's address holds 108 bytes; a longer path is reached through the folder's descriptor.
            short = path if len(os.fsencode(path)) < _LONGEST_PATH else f"/proc/self/fd/{folder}/{NAME}"
            listener.bind(short)
            os.chmod(path, 0o660)
            with suppress(OSError, KeyError):
                os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
        finally:
            os.close(folder)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=_LONGEST_LINE)

    async def close(self) -> None:
        """Stop listening; who is being answered gets his answer."""
        if self._server is not None:
            self._server.close()
        if self._busy:
            await asyncio.wait(self._busy, timeout=1.0)
        with suppress(OSError):
            os.unlink(os.path.join(self._folder, NAME))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task, uid = asyncio.current_task(), _uid_of(writer)
        is_full = len(self._busy) >= _MOST_CALLERS or self._of_uid[uid] >= _MOST_OF_ONE
        if is_full and uid not in (0, os.geteuid()):
            writer.close()
            return
        if task is not None:
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
        self._of_uid[uid] += 1
        try:
            while line := await asyncio.wait_for(reader.readline(), _PATIENCE):
                reply = await self._reply(line, uid)
                writer.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, TimeoutError):
            pass  # hung up, a line without end, or nothing to say
        finally:
            self._of_uid[uid] -= 1
            if not self._of_uid[uid]:
                del self._of_uid[uid]
            writer.close()

    async def _reply(self, line: bytes, uid: int) -> Mapping[str, Any]:
        try:
            asked = json.loads(line)
            verb = asked.pop("verb")
            json.dumps(asked, ensure_ascii=False).encode()  # half a character, which JSON can spell, is no text
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            return {"error": {"kind": "usage", "message": "one JSON object a line, with a verb"}}
        # For each line anew: a role that was taken away while the line was open is gone.
        return await self._answer(str(verb), caller_of(uid, self._access()), asked)


def _uid_of(writer: asyncio.StreamWriter) -> int:
    """The caller's uid, as the kernel knows it."""
    peer = writer.get_extra_info("socket")
    _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)
