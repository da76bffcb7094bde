"""A model provider that keeps its own bill: what the ledger of a workshop is held against.

It speaks chat completions and Responses as OpenAI does, and Anthropic's messages, plain and streamed, and does what
it is told through `POST /_behave`. One process, run as `python tests/simulator.py --portfile F`, or from a test:

    with Simulator() as provider:
        provider.behave(latency_ms=20, output_tokens=50, errors={"rate": 0.1})
        ...
        assert provider.bill()["nusd"] == settled

A program that has tools is led through a conversation by its `script`:

    provider.behave(script=[{"tool": "echo done > made.txt"}, {"say": "It is made."}])

All that can be told is in `simulated/behaviour.py`. It shares no code with the product: its prices, its counting and
its rounding are its own.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from simulated.bill import PRICES
from simulated.serving import main


class Simulator:
    """The provider in a process of its own, as tests use it; a context manager.

    Its process may `end` and `begin` again at the same port, with the same bill and memory.
    """

    def __init__(self, prices: Mapping[str, Mapping[str, float]] | None = None, key: str | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="provider-")
        self._words = ["--prices", json.dumps(PRICES if prices is None else prices)]
        self._words += ["--key", key] if key is not None else []
        self.port = 0
        self.begin()

    def begin(self) -> None:
        """Start the process, and wait until it listens."""
        portfile, memory = (Path(self._folder.name) / name for name in ("port", "memory"))
        portfile.unlink(missing_ok=True)
        words = [sys.executable, __file__, "--portfile", str(portfile), "--until-stdin-ends", "--port", str(self.port)]
        words += ["--memory", str(memory), *self._words]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
        self.port = self._await_port(portfile)

    def end(self) -> None:
        """End the process and wait for it: nobody listens any more."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def base_url(self) -> str:
        """What a tier's `base_url` is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def door(self, name: str) -> str:
        """A `base_url` whose requests are remembered under this name."""
        return f"http://127.0.0.1:{self.port}/{name}/v1"

    def behave(self, **wishes: Any) -> None:
        """Change what the provider does, see `Behaviour`; `model` limits it to one model, `seed` restarts chance.

        `keys` is the list of API keys that are accepted from now on.
        """
        self._ask("POST", "/_behave", wishes)

    def bill(self) -> dict[str, Any]:
        """nusd, usd, calls, answered, errors, input_tokens, output_tokens, models, kinds, wrong_keys, peak.

        Each of the `models` has a page of its own, with nano-dollars by hour.
        """
        bill: dict[str, Any] = self._ask("GET", "/_bill")
        return bill

    def requests(self, door: str | None = None) -> list[dict[str, Any]]:
        """The newest requests, oldest first: at, door, model, key, body (text as received), and what was charged."""
        requests: list[dict[str, Any]] = self._ask("GET", "/_requests")
        return [each for each in requests if door is None or each["door"] == door]

    def received(self, door: str | None = None) -> str:
        """All request bodies as one text, also with JSON's escapes undone, to look for what must not be in it."""
        bodies = [each["body"] for each in self.requests(door)]
        return "\n".join(bodies + [text for body in bodies for text in _texts(json.loads(body))])

    def heard(self) -> str:
        """Every byte that was ever sent to it, headers too, with JSON's escapes also undone."""
        raw = self._get("/_heard").decode(errors="replace")
        return f"{raw}\n{self.received()}"

    def reset(self) -> None:
        """As new."""
        self._ask("POST", "/_reset", {})

    def stop(self) -> None:
        """End the process for good."""
        self.end()
        self._folder.cleanup()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _await_port(self, portfile: Path) -> int:
        deadline = time.monotonic() + 20
        while not portfile.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"the simulator ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the simulator did not start within 20 s")
            time.sleep(0.01)
        return int(portfile.read_text())

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return json.loads(self._get(path, method, body))

    def _get(self, path: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer.decode(errors="replace"))
        return answer


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            yield from _texts([*value.keys(), *value.values()])


if __name__ == "__main__":
    main()
