"""The window's process: it takes what it needs, gives up what it does not, and serves until it is told to stop."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import resource
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn

from koubou.errors import Problem, SettingsError
from koubou.views.workshop import Workshop
from koubou.window.app import application
from koubou.window.connections import MOST_COMING, Connection, Socket
from koubou.window.listening import address_of, open_socket, tidy_up
from koubou.window.window import Window

_PRIVATE_UMASK = 0o077
_NO_NEW_PRIVS = 38
_LONGEST_HEADERS = 32_768
_IDLE = 30
_GRACE = 3
_LONGEST_WORD = 65_536
_OTHER_FILES = 512


def serve(workshop: Workshop, listen: str | None, ready: Callable[[str], None], lifeline: int | None = None) -> int:
    """Serve a workshop's window; `ready` is told its address. With a lifeline it ends when that is closed, and reads
    the settings anew when anything comes down it.

    Raises SettingsError, and BoardUnavailable where it cannot listen.
    """
    settings = workshop.settings.window
    where = listen or settings.listen
    if where is None:
        message = "is not set: `window: {listen: 127.0.0.1:8700}` opens it to this machine"
        raise SettingsError([Problem(message=message, key="window.listen")])
    window = Window(workshop, settings.model_copy(update={"listen": where}))
    _raise_descriptors(2 * settings.connections + MOST_COMING)
    listener = open_socket(where)
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    connection: Any = partial(Connection, patience=settings.timeout / 1000)
    config = uvicorn.Config(
        application(window),
        http=connection,
        loop="asyncio",
        ws=Socket,
        ws_max_size=_LONGEST_WORD,
        h11_max_incomplete_event_size=_LONGEST_HEADERS,
        backlog=512,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_GRACE,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    gc.freeze()  # what is there now stays: large answers are made without looking through all of it again
    try:
        asyncio.run(_serve(_Server(config, lambda: ready(address_of(listener))), window, listener, lifeline))
    finally:
        listener.close()
        tidy_up(where)
    return 0


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self._ready()


async def _serve(server: _Server, window: Window, listener: object, lifeline: int | None) -> None:
    if lifeline is not None:
        _hold(lifeline, server, window)
    watching = asyncio.create_task(_let_watchers_go(server, window))
    try:
        await server.serve(sockets=[listener])  # type: ignore[list-item]
    finally:
        watching.cancel()


async def _let_watchers_go(server: _Server, window: Window) -> None:
    """Streams have no end of their own: when the window is to end, they end first."""
    while not server.should_exit:
        await asyncio.sleep(0.1)
    window.end()


def _hold(lifeline: int, server: _Server, window: Window) -> None:
    """End when the master does: the pipe that he holds has an end then. A line of his says: other settings."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        if os.read(lifeline, 4096):
            loop.run_in_executor(None, window.read_settings)
        else:
            loop.remove_reader(lifeline)
            server.should_exit = True

    loop.add_reader(lifeline, heard)


def _raise_descriptors(connections: int) -> None:
    """As many as so many connections need, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def give_up_privileges() -> None:
    """Nothing that this process starts, should anybody make it, gains more than it has; no core, private files."""
    os.umask(_PRIVATE_UMASK)
    ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
