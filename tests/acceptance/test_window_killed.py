"""The window is killed while it is asked, and then the whole workshop: it comes back, and nothing is done twice."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from simulator import Simulator
from workshop import Workshop


@pytest.fixture
def workshop(provider: Simulator) -> Iterator[Workshop]:
    with Workshop(provider, window={"listen": "127.0.0.1:0"}) as workshop:
        workshop.start()
        yield workshop


class Client:
    """Asks with a key until it is answered, wherever the window is by then."""

    def __init__(self, workshop: Workshop, token: str) -> None:
        self._workshop = workshop
        self._token = token
        self.is_over = False
        self.given: dict[str, list[str]] = {}
        self.added = {200: 0, 409: 0}

    def give_tasks(self) -> None:
        for number in range(1_000):
            if self.is_over:
                return
            key = f"task-{number}"
            self.given[key] = self._until_answered("tasks", {"prompt": key}, key)[1].get("ids", [])

    def add_money(self) -> None:
        for number in range(1_000):
            if self.is_over:
                return
            status, _ = self._until_answered("budget/add", {"account": "month", "usd": 1}, f"money-{number}")
            self.added[status] += 1

    def _until_answered(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        while True:
            try:
                status, told = self.ask(path, body, {"Idempotency-Key": key})
            except (OSError, ValueError, IndexError, http.client.HTTPException):
                # Nobody is there, or the answer was cut short, or the workshop has not said where its window is.
                threading.Event().wait(0.05)
                continue
            if status < 300 or (status == 409 and "not known" in told["detail"]):
                return status, told

    def ask(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(urlsplit(self._address()).netloc, timeout=30)
        data = None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **(headers or {})}
        try:
            connection.request("GET" if body is None else "POST", f"/api/v1/{path}", data, given)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def _address(self) -> str:
        return str(list(self._workshop.events("window.open"))[-1]["address"])

    def month(self) -> float:
        accounts = self.ask("budget?account=month")[1]["accounts"]
        return float(next(each["limit_usd"] for each in accounts if each["dimension"] == "usd"))


def test_nothing_is_done_twice_whoever_is_killed_meanwhile(workshop: Workshop) -> None:
    workshop.wait_for_event("window.open")
    client = Client(workshop, workshop.koubou("token", "add", "ci", "--role", "guardian").stdout.strip())
    before = client.month()
    asking = [threading.Thread(target=each) for each in (client.give_tasks, client.give_tasks, client.add_money)]
    for each in asking:
        each.start()
    try:
        workshop.wait_until(lambda: len(client.given) > 2 and client.added[200] > 2, "both are asked for")
        for kill in (kill_window, kill_workshop):
            given = len(client.given)
            opened = kill(workshop)
            workshop.wait_until(lambda n=opened: len(list(workshop.events("window.open"))) > n, "the window comes back")
            workshop.wait_until(lambda n=given: len(client.given) > n + 1, "work is given again", within=60)
    finally:
        client.is_over = True
        for each in asking:
            each.join(60)
    assert client.added[200] <= client.month() - before <= client.added[200] + client.added[409]
    ids = [task_id for found in client.given.values() for task_id in found]
    assert workshop.sql("SELECT count(*) FROM task") == [(len(set(ids)),)]


def kill_window(workshop: Workshop) -> int:
    """How often it was open before."""
    opened = len(list(workshop.events("window.open")))
    assert workshop.process is not None
    children = psutil.Process(workshop.process.pid).children()
    next(child for child in children if "koubou.window" in child.cmdline()).kill()
    return opened


def kill_workshop(workshop: Workshop) -> int:
    """None of the new workshop has been open."""
    assert workshop.process is not None
    workshop.process.kill()
    workshop.process.wait()
    workshop.start()
    return 0
