"""What tests of the walls share: a workshop with something to hide, a gateway to reach, and programs run inside."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from leashed import PATIENCE

from koubou.sandbox.preflight import why_not
from koubou.sandbox.walls import HOME, Walls, walled

PORT = 8123
PYTHON = os.path.realpath(sys.executable)
NO_WALLS = why_not()
needs_walls = pytest.mark.skipif(NO_WALLS is not None, reason=f"no sandbox here: {NO_WALLS}")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": HOME}


class House:
    """A workshop on disk, with one run that is walled in."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "workshop"
        self.run = self.home / "tasks" / "in_progress" / "mine" / "runs" / "1"
        self.work, self.agent_home = self.run / "work", self.run / "home"
        for each in (self.work, self.agent_home):
            each.mkdir(parents=True)
        self.secrets = [
            self.home / "tasks" / "in_progress" / "other" / "task.yaml",
            self.home / "board" / "koubou.db",
            self.home / "secrets" / "openai",
            self.run / "result.json",
            folder / "on-the-host",
        ]
        for each in self.secrets:
            each.parent.mkdir(parents=True, exist_ok=True)
            each.write_text("hidden")
        self.socket = folder / "gateway.sock"

    def walls(self, **changes: Any) -> Walls:
        fields: dict[str, Any] = {
            "work": str(self.work),
            "home": str(self.agent_home),
            "hidden": (str(self.home),),
            "socket": str(self.socket) if self.socket.exists() else None,
            "port": PORT,
        }
        return Walls(**{**fields, **changes})

    def execute(self, *argv: str, walls: Walls | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run something inside, to its end."""
        return subprocess.run(
            walled(argv, walls or self.walls()),
            **{"env": ENVIRONMENT, "cwd": "/", "capture_output": True, "text": True, "timeout": 60, **options},
            check=False,
        )

    def python(self, code: str, *arguments: str, walls: Walls | None = None) -> Any:
        """What a piece of Python says inside, as JSON; `code` prints it."""
        done = self.execute(PYTHON, "-I", "-S", "-c", f"import json, os, socket, sys\n{code}", *arguments, walls=walls)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class Gateway:
    """Something at the other end of the relay: `serve` is given each connection."""

    def __init__(self, path: Path, serve: Callable[[socket.socket], None]) -> None:
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(path))
        self._door.listen(1024)
        self._serve = serve
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a connection through the relay never ended"
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._answer, args=(connection,)))
            self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            self._serve(connection)


def echo(connection: socket.socket) -> None:
    """Everything back as it comes; the end after the end."""
    while data := connection.recv(1 << 16):
        connection.sendall(data)
