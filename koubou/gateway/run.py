"""A run as its door sees it: what it has sent, its calls under way, and why it can go no further."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets

from koubou.gateway.port import Visitor
from koubou.gateway.room import Room
from koubou.model.call import CallError
from koubou.model.call_lines import NAME
from koubou.model.gate import Denial
from koubou.rules.agent_request import Memory
from koubou.rules.refusals import Fault

_NEW = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def digest(token: str) -> bytes:
    """What a token is looked up by, so that no comparison of it tells how far it is right."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Run:
    """The `Door` that its backend sees, and what the gateway keeps of it. Ends with `end`."""

    def __init__(self, visitor: Visitor, port: int, socket: str) -> None:
        self.visitor = visitor
        self.port = port
        self.socket = socket
        self.token = secrets.token_urlsafe(32)
        self.memory = Memory()
        self.room = Room()
        self.calls = 0
        self.closing = False
        self.last_word: tuple[Denial | Fault, str] | None = None
        self._trouble: CallError | None = None
        self._limits: set[asyncio.Timeout] = set()
        self._open: set[asyncio.Future[None]] = set()
        self.lines = os.open(os.path.join(visitor.folder, NAME), _NEW, 0o600)

    @property
    def trouble(self) -> CallError | None:
        """Why the run cannot go on, or why the last call got no answer; None after an answered one."""
        return self._trouble

    @property
    def hopeless(self) -> bool:
        """Whether no further call will be let through."""
        return self.last_word is not None

    def give_up(self, why: Denial | Fault, message: str, error: CallError) -> None:
        """No further call is let through; the first reason stays."""
        if self.last_word is None:
            self.last_word = (why, message)
            self._trouble = error

    def note(self, error: CallError | None) -> None:
        """How the last call ended."""
        if self.last_word is None:
            self._trouble = error

    def begin(self) -> tuple[asyncio.Timeout, asyncio.Future[None]]:
        """A call is under way from here until its future is done; its limit may be set from outside."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.add(ended)
        ended.add_done_callback(self._open.discard)
        limit = asyncio.timeout(None)
        self._limits.add(limit)
        return limit, ended

    def over(self, limit: asyncio.Timeout) -> None:
        """It is not under way any more, whether or not its line is written."""
        self._limits.discard(limit)

    def hurry(self, seconds: float) -> None:
        """What is under way gets so long at most."""
        for limit in self._limits:
            shorten(limit, seconds)

    async def end(self, seconds: float) -> None:
        """No new calls; those under way come to their end."""
        self.closing = True
        self.hurry(seconds)
        try:
            while self._open:
                await asyncio.wait(self._open)
        finally:
            if self._open:  # this was cancelled; the lines of what is under way are written all the same
                asyncio.gather(*self._open).add_done_callback(lambda _: os.close(self.lines))
            else:
                os.close(self.lines)


def shorten(limit: asyncio.Timeout, seconds: float) -> None:
    """Let a limit come in so many seconds, unless it comes sooner."""
    moment = asyncio.get_running_loop().time() + max(0.0, seconds)
    if not limit.expired() and ((set_for := limit.when()) is None or moment < set_for):
        limit.reschedule(moment)
