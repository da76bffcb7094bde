"""What the gateway needs of the worker: who asks the master for a call, and whose run it is."""

from __future__ import annotations

from typing import Protocol

from koubou.model.call import CallResult
from koubou.model.gate import Denied, Granted, Wanted
from koubou.model.policy import Policy


class Gate(Protocol):
    """The way to the master's gate."""

    async def ask(self, wanted: Wanted) -> Granted | Denied:
        """Have the call held for. Cancelled when the run ends meanwhile: what is granted then was never sent."""

    def done(self, result: CallResult) -> None:
        """A call that was granted has ended, and its line is durable."""


class Visitor(Protocol):
    """A run for which a door is opened. Its door's socket and its `calls.jsonl` lie in `folder`."""

    @property
    def folder(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def run(self) -> int: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def rules(self) -> str | None: ...
