"""A master's side of the wire, small enough for a test: starts a real worker process and talks with it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from msgspec.structs import replace

from koubou.model.money import FREE
from koubou.model.tier import Reach, Tier
from koubou.wire.framing import FROM_WORKER, Decoder, encode
from koubou.wire.messages import VERSION, Assign, Cancel, Finished, Hello, Ready, Retire, Started, ToWorker, Welcome
from koubou.wire.record import NAME, Record, decode_record

Said = TypeVar("Said")
PATIENCE = 20.0  # seconds for anything that must come


def a_tier(**fields: Any) -> Tier:
    """A free local tier that rehearses."""
    tier = Tier(
        name="local",
        reach=Reach.LOCAL,
        provider="rehearsal",
        executor="rehearsal",
        base_url="http://127.0.0.1:9/v1",
        model="small",
        price=FREE,
        context_tokens=8192,
        max_output_tokens=1000,
        min_output_tokens=1,
        timeout=60_000,
        retry_delay=1000,
        workers_max=1,
        concurrency=8,
    )
    return replace(tier, **fields)


def a_body(question: str = "How are you?") -> dict[str, Any]:
    """A request as the master makes it."""
    return {
        "model": "small",
        "messages": [{"role": "user", "content": question}],
        "max_completion_tokens": 50,
        "n": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


class Crew:
    """One worker. Leaving the `with` kills it if it still lives."""

    def __init__(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.rings = 0
        self._before = signal.signal(signal.SIGUSR1, self._rung)
        self.wire, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "koubou.worker", str(theirs.fileno()), *arguments],
            pass_fds=[theirs.fileno()],
            env={"PATH": os.environ["PATH"], **(environment or {})},
            stderr=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        self._decoder = Decoder(FROM_WORKER)
        self._heard: deque[Any] = deque()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wire.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        signal.signal(signal.SIGUSR1, self._before)

    def welcome(self, tier: Tier, key: str | None = "sk-secret", beat: int = 60_000, grace: int = 60_000) -> None:
        """Greet it and wait until it is ready."""
        self.expect(Hello)
        self.say(
            Welcome(version=VERSION, tier=tier, api_keys=(key,) if key else (), beat_every=beat, orphan_grace=grace)
        )
        self.expect(Ready)

    def say(self, *messages: ToWorker) -> None:
        self.wire.sendall(b"".join(encode(message) for message in messages))

    def assign(
        self, task: str = "a", body: dict[str, Any] | None = None, timeout: int = 60_000, run: int = 1, **more: Any
    ) -> Path:
        """Give it a run; the run's folder."""
        folder = self.folder / task / str(run)
        folder.mkdir(parents=True, exist_ok=True)
        asked = {"task": task, "run": run, "call": f"{task}-{run}", "folder": str(folder), "timeout": timeout}
        self.say(Assign(**asked, body=body or a_body(), **more))
        return folder

    def cancel(self, task: str = "a", run: int = 1) -> None:
        self.say(Cancel(task=task, run=run))

    def retire(self, deadline: int | None = None) -> None:
        self.say(Retire(deadline=deadline))

    def expect(self, kind: type[Said]) -> Said:
        """The next message of this kind; what comes before it is passed over."""
        end = time.monotonic() + PATIENCE
        while True:
            while self._heard:
                if isinstance(message := self._heard.popleft(), kind):
                    return message
            ready, _, _ = select.select([self.wire], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no {kind.__name__} came; the worker's status is {self.process.poll()}"
            data = self.wire.recv(1 << 20)
            assert data, f"the wire ended before {kind.__name__} came; status {self.process.wait(PATIENCE)}"
            self._heard += self._decoder.feed(data)

    def ends(self) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(PATIENCE)

    def record(self, folder: Path) -> Record:
        return decode_record((folder / NAME).read_bytes())

    def finish(self, task: str = "a", body: dict[str, Any] | None = None, timeout: int = 60_000) -> Record:
        """Have a run done from beginning to end; its record, which agrees with what was said."""
        folder = self.assign(task, body, timeout)
        self.expect(Started)
        finished = self.expect(Finished)
        record = self.record(folder)
        assert record.result == finished.result
        return record

    def _rung(self, *_: object) -> None:
        self.rings += 1
