"""Starting the model server and being its leash. When to start it again is the master's to decide."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

from msgspec import Struct, field

from koubou.embedded.registry import MODELS, NoLocalModel
from koubou.embedded.weights import default_models_dir, is_path, locate
from koubou.piped import end, ended

PATIENCE = 120.0
"""Seconds for loading: half a second for the small model, much longer for a large one from a slow disk."""

_PASSED_ON = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")


class EmbeddedSettings(Struct, frozen=True, kw_only=True):
    """What to serve: a name of the registry or the path of a GGUF file, under which name, for how many calls at once.

    `context_tokens` is for each call; memory grows with `context_tokens` x `parallel` (23 kB a token for smollm2-135m).
    `threads` None = all processors but one: with all of them in use, anything else that runs makes the model crawl.
    """

    model: str
    alias: str
    context_tokens: int = 4096
    parallel: int = 2
    threads: int | None = None
    models_dir: Path = field(default_factory=default_models_dir)
    port: int = 0


class Running(Struct, frozen=True, kw_only=True):
    """A model server that takes requests. It ends when this process does, or when `stop` is called."""

    base_url: str
    api_key: str
    process: Popen[bytes]

    def __repr__(self) -> str:
        return f"Running(base_url={self.base_url!r})"  # never the key

    async def wait(self) -> int:
        """Until it has ended; its status."""
        return await ended(self.process)

    async def stop(self, grace: float = 3.0) -> None:
        """End it: close its stdin, wait for `grace` seconds, then kill."""
        await end(self.process, grace)


async def launch(
    settings: EmbeddedSettings, patience: float = PATIENCE, *, started: Callable[[int], None] = lambda _: None
) -> Running:
    """Start the server and wait until it serves. Raises NoLocalModel with the remedy. Fetches nothing.

    `started` is told its number in the same turn of the loop in which it was started.
    """
    weights = _weights(settings)
    if importlib.util.find_spec("xllamacpp") is None:
        raise NoLocalModel("the package xllamacpp is not installed", "pip install 'koubou[local]'")
    key = secrets.token_urlsafe(32)
    process = Popen(
        [sys.executable, "-P", "-m", "koubou.embedded"],
        bufsize=0,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # the library's own log, which may tell of requests; what matters comes on stdout
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        started(process.pid)
        port = await asyncio.wait_for(_port(process, settings, weights, key), patience)
    except TimeoutError:
        await end(process, 0)
        raise NoLocalModel(
            f"the model {settings.model} was not loaded within {patience:g} seconds",
            "use a smaller model, or more memory",
        ) from None
    except BaseException:
        await end(process, 0)
        raise
    return Running(base_url=f"http://127.0.0.1:{port}/v1", api_key=key, process=process)


def default_threads() -> int:
    """All processors that this process may use, but one."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


def _weights(settings: EmbeddedSettings) -> Path:
    found = locate(settings.model, settings.models_dir)
    if found is not None:
        return found
    if is_path(settings.model):
        raise NoLocalModel(f"there is no file {settings.model}", "mend the path of the model in the settings")
    if settings.model not in MODELS:
        raise NoLocalModel(
            f'there is no embedded model "{settings.model}"',
            f"use one of {', '.join(sorted(MODELS))}, or the path of a .gguf file",
        )
    raise NoLocalModel(
        f"the weights of {settings.model} are not in {settings.models_dir}",
        f"fetch them with: {sys.executable} -m koubou.embedded fetch {settings.model} --into {settings.models_dir}",
    )


async def _port(process: Popen[bytes], settings: EmbeddedSettings, weights: Path, key: str) -> int:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes were asked for
    told = {
        "model": str(weights),
        "alias": settings.alias,
        "port": settings.port,
        "api_key": key,
        "context_tokens": settings.context_tokens,
        "parallel": settings.parallel,
        "threads": settings.threads or default_threads(),
    }
    with suppress(BrokenPipeError):  # then its silence tells
        process.stdin.write(json.dumps(told).encode() + b"\n")
    line = await asyncio.to_thread(process.stdout.readline)
    try:
        said = json.loads(line)
    except ValueError:
        status = await ended(process)
        raise NoLocalModel(
            f"the model server died while it loaded {settings.model} (status {status})",
            "there may be too little memory: use a smaller model, fewer context_tokens or less concurrency",
        ) from None
    if not said["ready"]:
        raise NoLocalModel(said["message"], said["remedy"])
    return int(said["port"])
