"""What a worker and a backend are to one another: a request in, an answer out, the text through a sink as it grows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from koubou.errors import CannotServe as CannotServe
from koubou.model.agent import Deeds, Work
from koubou.model.call import CallError
from koubou.model.policy import Policy
from koubou.providers.answer import Answer as Answer


class Sink(Protocol):
    """Where a backend puts what comes. `folder` is the run's own; `mark` is for the environment of what it starts.

    `task` and `run` say whose it is, `work` what an agent is to work on (None: it is no agent). `policy` says what else
    is secret in what an agent sends, and with `rules`, a folder of compiled ones, the detector looks at it too.
    """

    folder: str
    mark: str
    task: str
    run: int
    work: Work | None
    policy: Policy
    rules: str | None

    def sent(self) -> None:
        """The request leaves now: from here on it may have cost money, whatever happens."""

    def write(self, text: str) -> None:
        """The next piece of the answer."""

    def noted(self, session: str | None, deeds: Deeds) -> None:
        """What an agent's events say so far: it outlives the worker."""


class Door(Protocol):
    """One run's way to its model: a token that is good for this run only, and what came of its calls.

    `socket` is a Unix socket, as is `port` of 127.0.0.1; both lead to the same gateway.
    """

    port: int
    socket: str
    token: str

    @property
    def trouble(self) -> CallError | None:
        """Why the run cannot go on, or why the last call got no answer; None after an answered one."""

    @property
    def hopeless(self) -> bool:
        """Whether no further call will be let through: no money, a secret, a stop. The agent is to be ended."""

    @property
    def calls(self) -> int:
        """How many calls were let through."""


class Doors(Protocol):
    """The gateway, as a backend of agents sees it."""

    def door(self, sink: Sink) -> AbstractAsyncContextManager[Door]:
        """Open a way for one run; at the end its calls under way are read to their end and settled, then it is shut."""


class Backend(Protocol):
    """One way to have a request answered. Serves many calls at once; a cancelled `answer` stops at once."""

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Send the request as it is and say how it ended; what goes wrong with the call is no exception."""

    async def close(self) -> None:
        """Let go of connections."""
