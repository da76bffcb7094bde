"""The process: closes what could leak (core dumps, inherited settings, tracebacks), then serves."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any

from koubou import last_words
from koubou.leash.kernel import become_subreaper
from koubou.wire.framing import encode
from koubou.wire.messages import VERSION, Hello
from koubou.worker.loop import Worker
from koubou.worker.run import where
from koubou.worker.turning import loop_for

_USAGE = 64


def main(arguments: list[str]) -> int:
    """Serve on the descriptor named first; the exit status: 0 left as told, 3 cannot work as told, 64 wrong words."""
    if not arguments or not arguments[0].isdecimal():
        _complain("python -m koubou.worker FD [NAME] is for the master to start, not for people")
        return _USAGE
    last_words.listen()
    _close_leaks()
    become_subreaper()  # a killed leash leaves us its tree
    wire = socket.socket(fileno=int(arguments[0]))
    wire.set_inheritable(False)
    name = arguments[1] if len(arguments) > 1 else f"worker-{os.getpid()}"
    with suppress(OSError):  # a master that has gone is heard of by the loop
        wire.sendall(encode(Hello(version=VERSION, worker=name, pid=os.getpid())))
    with asyncio.Runner(loop_factory=loop_for(wire)) as runner:
        return runner.run(_serve(wire, name))


async def _serve(wire: socket.socket, name: str) -> int:
    asyncio.get_running_loop().set_exception_handler(_tell_where)
    return await Worker(name).serve(wire)


def _close_leaks() -> None:
    # A signal for the whole group (Ctrl-C, systemctl kill -s USR2) is the master's to answer, and it has the wire.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "ANTHROPIC_")):  # OPENAI_LOG=debug alone would write every prompt to stderr
            del os.environ[name]
    sys.excepthook = _tell_last_words


def _tell_where(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Instead of asyncio's own report, which shows reprs and messages of exceptions: they may quote a task."""
    error = context.get("exception")
    _complain(where(error) if isinstance(error, BaseException) else "a bug: the loop reports a fault without exception")


def _tell_last_words(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    _complain(where(error))


def _complain(sentence: str) -> None:
    sys.stderr.write(f"koubou.worker: {sentence}\n")
