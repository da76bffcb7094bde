"""A gateway at work for a test: a gate that grants and remembers, a run, and an agent that knocks."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from builders import a_tier

from koubou.gateway.gateway import Gateway
from koubou.gateway.run import Run
from koubou.model.call import CallResult
from koubou.model.call_lines import NAME, results_of
from koubou.model.gate import Denied, Granted, Wanted
from koubou.model.policy import OPEN, Policy
from koubou.model.tier import Tier

KEY = "sk-the-real-one-0001"


class OpenGate:
    """Grants what is asked for, unless it is told what to say; remembers both sides."""

    def __init__(self, *said: Callable[[Wanted], Granted | Denied], cap: int = 2_000) -> None:
        self.asked: list[Wanted] = []
        self.results: list[CallResult] = []
        self.durable: list[int] = []
        self.settled = asyncio.Condition()
        self._said = list(said)
        self._cap = cap
        self.folder: Path | None = None

    async def ask(self, wanted: Wanted) -> Granted | Denied:
        self.asked.append(wanted)
        if self._said:
            return self._said.pop(0)(wanted)
        return Granted(ticket=wanted.ticket, call=f"call-{wanted.ticket}", cap=min(wanted.cap or self._cap, self._cap))

    def done(self, result: CallResult) -> None:
        self.results.append(result)
        if self.folder is not None:
            self.durable.append(len(results_of((self.folder / NAME).read_bytes())))


class Visit:
    """A run, as the worker shows it."""

    def __init__(self, folder: Path, number: int = 1, *, policy: Policy = OPEN, rules: str | None = None) -> None:
        self.folder = str(folder)
        self.task = "a-task"
        self.run = number
        self.policy = policy
        self.rules = rules


class Agent:
    """Knocks at a door and says what it was told."""

    def __init__(self, door: Run, session: aiohttp.ClientSession) -> None:
        self.door = door
        self._session = session

    async def post(
        self, path: str, body: Mapping[str, Any] | bytes, *, token: str | None = None, **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        said = {"Authorization": f"Bearer {token or self.door.token}", "Content-Type": "application/json", **headers}
        async with self._session.post(f"http://127.0.0.1:{self.door.port}{path}", data=data, headers=said) as response:
            return response.status, dict(response.headers), await response.read()


@asynccontextmanager
async def a_gateway(tier: Tier, gate: OpenGate, keys: tuple[str, ...] = (KEY,)) -> AsyncIterator[Gateway]:
    """Started, and closed at the end."""
    gateway = Gateway(tier, keys, gate)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.close()


@asynccontextmanager
async def an_agent(tier: Tier, gate: OpenGate, folder: Path, **visit: Any) -> AsyncIterator[Agent]:
    """An agent before an open door of a gateway of its own."""
    gate.folder = folder
    async with a_gateway(tier, gate) as gateway, aiohttp.ClientSession() as session:
        async with gateway.door(Visit(folder, **visit)) as door:
            yield Agent(door, session)


def a_cloud_tier(base_url: str, **changes: Any) -> Tier:
    """A tier of the model `gpt-5` behind this address."""
    return a_tier("cloud", **{"base_url": base_url, "model": "gpt-5", "executor": "codex", "fallback": None} | changes)


def chat(text: str = "Why?", **changes: Any) -> dict[str, Any]:
    return {"model": "gpt-5", "messages": [{"role": "user", "content": text}], **changes}


def messages(text: str = "Why?", **changes: Any) -> dict[str, Any]:
    return {"model": "gpt-5", "max_tokens": 500, "messages": [{"role": "user", "content": text}], **changes}


def lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of the run's `calls.jsonl`."""
    return [json.loads(line) for line in (folder / NAME).read_bytes().splitlines()]
