"""What tests of agents share: a sink that remembers, a door without a gateway, tiers, and the real programs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from crew import a_tier

from koubou.backends.opening import open_backend
from koubou.backends.port import Answer, Door, Doors, Sink
from koubou.config.programs import native
from koubou.leash.holding import Leashes
from koubou.leash.mark import mark_of
from koubou.model.agent import Deeds, Manner, Work
from koubou.model.call import CallError
from koubou.model.policy import OPEN
from koubou.model.tier import Tier

STUB = Path(__file__).parent / "stubs" / "agent_like.py"
TOKEN = "token-of-the-run"


def a_request(question: str, **more: Any) -> dict[str, Any]:
    """A request as the master makes it for an agent."""
    return {"model": "small", "messages": [{"role": "user", "content": question}], **more}


def a_manner(program: str, **fields: Any) -> Manner:
    """Without a sandbox unless asked for: what is looked at is the program."""
    return Manner(**{"program": program, "sandbox": False, **fields})


def an_agent(executor: str, manner: Manner, **fields: Any) -> Tier:
    """A tier whose agent gets little patience."""
    return a_tier(**{"executor": executor, "agent": manner, "grace": 1_000, **fields})


def stub_program(folder: Path, word: str = "") -> str:
    """The program that behaves as its prompt says, or always as this word does, as one native file."""
    program = folder / f"agent-like-{word}"
    program.write_text(f'#!/bin/sh\nBEHAVIOUR={word} exec {sys.executable} -I -S {STUB} "$@"\n')
    program.chmod(0o700)
    return str(program)


CODEX = native("codex", os.environ)
CLAUDE = native("claude", os.environ)
needs_codex = pytest.mark.skipif(CODEX is None, reason="Codex CLI is not installed: scripts/agents")
needs_claude = pytest.mark.skipif(CLAUDE is None, reason="Claude Code is not installed: scripts/agents")
needs_walls = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed: scripts/agents")
WALLS = [pytest.param(False, id="bare"), pytest.param(True, id="walled", marks=needs_walls)]


class ASink:
    """A sink that remembers what it was told."""

    def __init__(self, folder: Path, work: Work | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = str(folder)
        self.mark = mark_of(str(folder), "worker-1", "a", 1)
        self.task = "a"
        self.run = 1
        self.work = work
        self.policy = OPEN
        self.rules: str | None = None
        self.was_sent = False
        self.text = ""
        self.told: list[tuple[str | None, Deeds]] = []

    def sent(self) -> None:
        self.was_sent = True

    def write(self, text: str) -> None:
        self.text += text

    def noted(self, session: str | None, deeds: Deeds) -> None:
        self.told.append((session, deeds))

    def log(self) -> list[dict[str, Any]]:
        """The events that the program gave."""
        return [json.loads(line) for line in (Path(self.folder) / "log.jsonl").read_text().splitlines()]


class ADoor:
    """A way straight to a server, by its port and by a Unix socket: `trouble` and `hopeless` are as the test says."""

    def __init__(self, port: int = 9_999, token: str = TOKEN, trouble: CallError | None = None) -> None:
        self.port = port
        self.socket = ""
        self.token = token
        self.trouble = trouble
        self.hopeless = False
        self.calls = 0
        self.open = False

    @asynccontextmanager
    async def door(self, sink: Sink) -> AsyncIterator[Door]:
        self.open = True
        self.socket = f"{sink.folder}/gateway.sock"
        folder = os.open(sink.folder, os.O_RDONLY | os.O_DIRECTORY)
        near = f"/proc/self/fd/{folder}/gateway.sock"  # however long its own path is
        try:
            async with await asyncio.start_unix_server(self._through, near):
                yield self
        finally:
            os.close(folder)
            self.open = False

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, passed on to the server and back."""
        self.calls += 1
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        # Whoever is still connected when the door is shut is cut off.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(_pass(reader, back), _pass(there, writer))
        back.close()
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def asked(tier: Tier, door: Doors | None, sink: ASink, body: Mapping[str, Any]) -> Answer:
    """One run from beginning to end, in this process."""

    async def whole() -> Answer:
        backend = open_backend(tier, (), Leashes(), {} if door is None else {tier.name: door})
        try:
            return await backend.answer(body, sink)
        finally:
            await backend.close()

    return asyncio.run(whole())
