"""A window on a real board, behind a real socket, in this process; the board is written by hand as a master would."""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from builders import NOW, a_new_task
from msgspec.structs import replace

from koubou.board import Board
from koubou.board.connection import open_for_writing
from koubou.folders.layout import Layout
from koubou.master import lock
from koubou.model.access import WORKSHOP, Role, Token
from koubou.model.decision import Reason, Routed
from koubou.model.task import Difficulty, Sensitivity
from koubou.rules.token import digest_of, written
from koubou.views.workshop import Workshop
from koubou.window import main

SETTINGS = """
home: {home}
tiers:
  local: {{reach: local, base_url: "http://127.0.0.1:9/v1", model: m, price: {{input: 0, output: 0}}}}
window: {window}
"""
KIM, LEE = 4_001, 4_002
"""Uids of two submitters."""


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Opened:
    """The board, and requests to the window."""

    def __init__(self, board: Board, layout: Layout, port: int, hold: int) -> None:
        self.board = board
        self.layout = layout
        self.port = port
        self._hold = hold
        self._tokens = 0

    def say_that_settings_changed(self) -> None:
        """As the master does."""
        os.write(self._hold, b"\n")

    def token(self, role: Role, uid: int = 0, **changes: Any) -> str:
        """A token of this role."""
        self._tokens += 1
        text = written(self._tokens.to_bytes(5, "big"), os.urandom(32))
        token = Token(
            id=text[4:14],
            name=f"t{self._tokens}",
            role=role,
            uid=uid,
            created_at=NOW,
            created_by="tester",
            expires_at=None,
            last_used_at=None,
            revoked_at=None,
        )
        with self.board.transaction():
            self.board.tokens.add(replace(token, **changes), digest_of(text) or "")
        return text

    def task(self, name: str, owner: int = KIM, *, secret: bool = False, **changes: Any) -> int:
        """A task that waits for a place."""
        sensitivity = Sensitivity.CONFIDENTIAL if secret else Sensitivity.INTERNAL
        reason = Reason(rule="tier.low", reason="easy")
        with self.board.transaction():
            seq = self.board.tasks.insert(a_new_task(name, owner=owner, **changes), NOW)
            self.board.tasks.classified(self.board.tasks.at(seq), sensitivity, Difficulty.LOW, (reason,), NOW)
            self.board.tasks.routed(self.board.tasks.at(seq), Routed(tier="local", reasons=(reason,)), NOW)
            self.board.history.add(seq, "task.routed", f"words of {name}", NOW, WORKSHOP)
        return seq

    def ask(self, path: str, token: str | None = None, method: str = "GET", **given: Any) -> Answer:
        """One request."""
        headers = {**given.get("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, given.get("body"), headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    @contextmanager
    def watch(
        self, path: str, token: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[Iterator[dict[str, str]]]:
        """The events of a stream, as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, None, {"Authorization": f"Bearer {token}", **(headers or {})})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            yield events_of(response)
        finally:
            if connection.sock is not None:
                connection.sock.close()
            connection.close()


def events_of(response: http.client.HTTPResponse) -> Iterator[dict[str, str]]:
    """Each event's fields; comments and the word on retrying are left out."""
    fields: dict[str, str] = {}
    while line := response.readline():
        text = line.decode().rstrip("\n")
        name, _, value = text.partition(":")
        if text:
            fields[name] = value.strip()
            continue
        if "data" in fields:
            yield fields
        fields = {}


@contextmanager
def opened(folder: Path, window: str = "{listen: 127.0.0.1:0}") -> Iterator[Opened]:
    """A workshop whose lock is held, with its window open."""
    layout = Layout(home=str(folder / "home"))
    layout.ensure()
    settings = folder / "koubou.yaml"
    settings.write_text(SETTINGS.format(home=layout.home, window=window))
    held = lock.take(layout.run)
    board = Board(open_for_writing(Path(layout.board) / "koubou.db"))
    line, hold = os.pipe()
    heard: list[str] = []
    is_open = threading.Event()

    def ready(address: str) -> None:
        heard.append(address)
        is_open.set()

    serving = threading.Thread(target=main.serve, args=(Workshop(settings, {}), None, ready, line))
    serving.start()
    try:
        assert is_open.wait(30)
        yield Opened(board, layout, int(heard[0].rpartition(":")[2]), hold)
    finally:
        os.close(hold)
        serving.join(30)
        os.close(line)
        board.close()
        os.close(held)
