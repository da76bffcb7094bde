"""The window: work is given, watched and fetched by HTTP; when the window is killed, the work goes on."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from simulator import Simulator
from workshop import Workshop

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def workshop(provider: Simulator) -> Iterator[Workshop]:
    with Workshop(provider, window={"listen": "127.0.0.1:0"}) as workshop:
        workshop.start()
        yield workshop


def test_work_is_given_and_watched_by_http_and_outlives_a_killed_window(
    workshop: Workshop, provider: Simulator
) -> None:
    netloc = urlsplit(workshop.wait_for_event("window.open")["address"]).netloc
    token = workshop.koubou("token", "add", "ci", "--role", "operator").stdout.strip()
    given = ask(netloc, token, "POST", "tasks", {"prompt": "What is two and two?", "tier": "local"})
    assert ends(netloc, token, 0, given["id"])[0] == "completed"
    assert ask(netloc, token, "GET", f"tasks/{given['id']}/result")["answer"] == workshop.output(given["id"])["answer"]
    last = ends(netloc, token, 0, given["id"])[1]

    opened = len(list(workshop.events("window.open")))
    os.kill(window_of(workshop), signal.SIGKILL)
    workshop.drop("while-it-is-closed.yaml", {"id": "meanwhile", "prompt": "And three?", "tier": "local"})
    again = workshop.wait_until(lambda: list(workshop.events("window.open"))[opened:], "the window opens anew")[0]
    netloc = urlsplit(again["address"]).netloc
    assert ends(netloc, token, last, "meanwhile")[0] == "completed"
    assert workshop.process is not None
    assert workshop.process.poll() is None
    assert workshop.stop() == 0


def ask(netloc: str, token: str, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection(netloc, timeout=30)
    data = None if body is None else json.dumps(body).encode()
    try:
        connection.request(method, f"/api/v1/{path}", data, {"Authorization": f"Bearer {token}", **JSON})
        response = connection.getresponse()
        told = json.loads(response.read())
        assert response.status < 300, told
        return told
    finally:
        connection.close()


def ends(netloc: str, token: str, after: int, task: str) -> tuple[str, int]:
    """How a task ended, by the stream of events, and the line of that."""
    connection = http.client.HTTPConnection(netloc, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(after)}
        connection.request("GET", "/api/v1/events", None, headers)
        response = connection.getresponse()
        while line := response.readline():
            if line.startswith(b"data: "):
                told = json.loads(line[6:])
                assert told["id"] > after
                if told["task"] == task and told["status"] in ("completed", "failed", "cancelled"):
                    return told["status"], told["id"]
    finally:
        connection.close()
    raise AssertionError("the stream ended")


def window_of(workshop: Workshop) -> int:
    """The window's process."""
    assert workshop.process is not None
    children = psutil.Process(workshop.process.pid).children()
    return next(child.pid for child in children if "koubou.window" in child.cmdline())
