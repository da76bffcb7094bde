"""Who the guardian's notices are sent to in tests: a GitHub and a webhook on 127.0.0.1 that keep what came.

It behaves as GitHub's REST API does where that matters: labels and assignees may be refused, an issue may have been
made although no answer came, lists come in pages, the newest first.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "github_pat_of-the-tests_0123456789"


class Recorder:
    """A context manager. `issues` are those that were made, `requests` all that came: (method, path, headers, body)."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.posts: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, Mapping[str, str], Any]] = []
        self.refused_logins: set[str] = set()
        self.refuses_labels = False
        self.drops_labels = False
        self.let_go = threading.Event()
        self._next: deque[str] = deque()
        self._headers: dict[str, str] = {}
        self._status = 0
        self._lock = threading.Lock()
        recorder = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                recorder._get(self)

            def do_POST(self) -> None:
                recorder._post(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name for it
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What guardian.github.api is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def webhook(self) -> str:
        """What guardian.webhook is set to."""
        return f"{self.address}/hooks/the-key-of-the-webhook"

    def next_posts(self, *ways: str) -> None:
        """How the next POSTs end: `lost`, `hung`, `cut` and `500 after` although it was taken; else a status."""
        self._next.extend(ways)

    def answer_all(self, status: int, **headers: str) -> None:
        """Answer everything with this status and these headers; 0 = as GitHub does again."""
        self._status = status
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def close(self, number: int) -> None:
        """A person closes this issue."""
        with self._lock:
            self.issues[number - 1] = {**self.issues[number - 1], "state": "closed"}

    def wait_for(self, fact: Callable[[], Any], within: float = 20) -> None:
        """Wait until something is true here. AssertionError when it never is."""
        deadline = time.monotonic() + within
        while not fact():
            assert time.monotonic() < deadline, f"never: {self.requests}"
            time.sleep(0.01)

    def count(self, method: str) -> int:
        """How many requests of this method came."""
        return sum(each[0] == method for each in self.requests)

    def text(self) -> str:
        """Everything that came, as one text."""
        return json.dumps([[*each[:2], each[3]] for each in self.requests], ensure_ascii=False)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def _post(self, door: BaseHTTPRequestHandler) -> None:
        body = json.loads(door.rfile.read(int(door.headers["Content-Length"])))
        self._note(door, body)
        way = self._next.popleft() if self._next else ""
        if self._status or way.isdecimal():
            self._answer(door, self._status or int(way), {"message": "of the tests"})
        elif door.path.startswith("/hooks/"):
            self.posts.append(body)
            self._after(door, way, 200, {"ok": True})
        elif self.refused_logins & set(body.get("assignees", ())) or (self.refuses_labels and body.get("labels")):
            self._answer(door, 422, {"message": "Validation Failed", "errors": [{"code": "invalid"}]})
        else:
            self._after(door, way, 201, self._make(body))

    def _make(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            issue = {"number": len(self.issues) + 1, "state": "open", "created_at": now, **body}
            if self.drops_labels:
                issue["labels"] = []
            self.issues.append(issue)
            return issue

    def _after(self, door: BaseHTTPRequestHandler, way: str, status: int, body: Any) -> None:
        """The request was taken; what its sender learns of that."""
        match way:
            case "500 after":
                self._answer(door, 500, {"message": "Server Error"})
            case "cut" | "lost":
                door.close_connection = True
                if way == "cut":
                    door.send_response(status)
                    door.send_header("Content-Length", "1000")
                    door.end_headers()
            case "hung":
                door.close_connection = True
                self.let_go.wait(60)
            case _:
                self._answer(door, status, body)

    def _get(self, door: BaseHTTPRequestHandler) -> None:
        self._note(door, None)
        if self._status:
            self._answer(door, self._status, {"message": "of the tests"})
            return
        if (last := urlsplit(door.path).path.rpartition("/")[2]).isdecimal():
            self._get_issue(door, int(last))
            return
        asked = {name: values[0] for name, values in parse_qs(urlsplit(door.path).query).items()}
        found = [issue for issue in reversed(self.issues) if issue["created_at"] >= asked.get("since", "")]
        for label in filter(None, asked.get("labels", "").split(",")):
            found = [issue for issue in found if label in issue.get("labels", ())]
        size, page = int(asked.get("per_page", 30)), int(asked.get("page", 1))
        self._answer(door, 200, found[size * (page - 1) : size * page])

    def _get_issue(self, door: BaseHTTPRequestHandler, number: int) -> None:
        if number > len(self.issues):
            self._answer(door, 404, {"message": "Not Found"})
            return
        issue = self.issues[number - 1]
        etag = f'W/"{number}-{issue["state"]}"'
        if door.headers.get("If-None-Match") == etag:
            door.send_response(304)
            for name, each in {"ETag": etag, **self._headers}.items():
                door.send_header(name, each)
            door.end_headers()
            return
        self._answer(door, 200, issue, ETag=etag)

    def _note(self, door: BaseHTTPRequestHandler, body: Any) -> None:
        with self._lock:
            self.requests.append((door.command, door.path, dict(door.headers), body))

    def _answer(self, door: BaseHTTPRequestHandler, status: int, value: Any, **more: str) -> None:
        body = json.dumps(value).encode()
        door.send_response(status)
        for name, each in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self._headers,
            **more,
        }.items():
            door.send_header(name, each)
        door.end_headers()
        door.wfile.write(body)
