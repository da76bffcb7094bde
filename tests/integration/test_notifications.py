"""Who is told that a task or session has ended: owed with the ending, signed, repeated by the same id, never a text."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from builders import a_new_task, a_secret
from turns import Workshop

from koubou.board import Board, open_in_memory
from koubou.config.notify_settings import NotifySettings
from koubou.documents.reading import read_documents
from koubou.errors import TaskFileError
from koubou.folders.requests import Asking, ReadLimits
from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.clock import clock
from koubou.master.messenger import Messenger
from koubou.model.instant import DAY
from koubou.model.notice import NotTold, Told
from koubou.model.notification import Notification, Notify, Target
from koubou.notices.notification import tell_target

ALL = ("completed", "failed", "cancelled", "session_done")
PAGE = Path(__file__).parents[2] / "docs/how-to/notifications.md"
SECRET = "a-secret-of-the-tests"
ONE = Notification(id=1, marker="M-1", target="ops", body='{"id": "M-1"}', at=0, tries=0)


def a_target(**changes: Any) -> Target:
    return Target(**{"events": ALL, "webhook": "http://127.0.0.1:1/"} | changes)


def owed(workshop: Workshop) -> list[tuple[str, dict[str, Any]]]:
    rows = workshop.board.connection.execute("SELECT target, body, marker FROM notification ORDER BY id").fetchall()
    found = [(row["target"], json.loads(row["body"])) for row in rows]
    assert [body["id"] for _, body in found] == [row["marker"] for row in rows]
    return found


def done(workshop: Workshop, task_id: str, **changes: Any) -> None:
    workshop.drop(a_new_task(task_id, title="a title", **changes))
    end(workshop, task_id)


def end(workshop: Workshop, task_id: str) -> None:
    workshop.ask("cancel", ids=[task_id])
    workshop.file()


def test_a_task_is_told_to_whom_it_names_and_whom_its_type_and_session_name() -> None:
    notify = Notify(
        targets={name: a_target() for name in ("own", "typed", "of_session", "usual")},
        types={"bug_fix": ["typed"]},
        sessions={"rel-*": ["of_session", "typed"]},
        default=["usual"],
    )
    workshop = Workshop(benches=[], notify=notify)
    done(workshop, "a", type="bug_fix", notify=("own", "gone"))
    assert [target for target, _ in owed(workshop)] == ["own", "typed"]
    done(workshop, "b", type="testing", session="other")
    assert [target for target, _ in owed(workshop)][2:] == ["usual"]
    done(workshop, "c", type="testing", session="rel-1")
    told = [(target, body["event"]) for target, body in owed(workshop)][3:]
    assert told == [
        ("of_session", "task.cancelled"),
        ("typed", "task.cancelled"),
        ("of_session", "session.done"),
        ("typed", "session.done"),
    ]


def test_a_target_is_told_only_of_its_events() -> None:
    workshop = Workshop(benches=[], notify=Notify(targets={"ops": a_target(events=("failed",))}, default=["ops"]))
    done(workshop, "a")
    assert owed(workshop) == []


def test_no_text_is_told_and_of_a_confidential_task_only_how_it_ended() -> None:
    workshop = Workshop(benches=[], notify=Notify(targets={"ops": a_target()}, sessions={"*": ["ops"]}))
    done(workshop, "open", session="s")
    (_, told), (_, session) = owed(workshop)
    assert (told["type"], told["session"], told["cost_nusd"]) == (workshop.task("open").type, "s", 0)
    assert session["tasks"] == {"cancelled": 1}
    assert session["cost_nusd"] == 0
    done(workshop, "secret", session="s", findings=(a_secret(),))
    (_, told), (_, session) = owed(workshop)[2:]
    assert set(told) == {"id", "event", "at", "task", "status"}
    assert set(session) == {"id", "event", "at", "session", "tasks"}
    assert "title" not in json.dumps(owed(workshop))


def test_a_session_is_told_once_and_again_only_after_new_tasks() -> None:
    workshop = Workshop(
        benches=[], notify=Notify(targets={"ops": a_target(events=("session_done",))}, sessions={"s": ["ops"]})
    )
    workshop.drop(a_new_task("a", session="s"))
    workshop.drop(a_new_task("b", session="s"))
    end(workshop, "a")
    assert owed(workshop) == []
    end(workshop, "b")
    assert len(owed(workshop)) == 1
    workshop.ask("retry", ids=["a"])
    end(workshop, "a")
    assert len(owed(workshop)) == 1
    done(workshop, "c", session="s")
    assert [body["tasks"] for _, body in owed(workshop)] == [{"cancelled": 2}, {"cancelled": 3}]


def test_a_task_file_names_targets_of_the_settings_alone() -> None:
    def request(text: str) -> Any:
        (document,) = read_documents(text.encode(), name="t.yaml")
        return Asking("t.yaml", 0, ReadLimits(targets=("ops",))).request(document)

    assert request("prompt: x\nnotify: [ops, ops]\n").notify == ("ops",)
    with pytest.raises(TaskFileError) as caught:
        request("prompt: x\nnotify: [opps]\n")
    assert (caught.value.problem.line, caught.value.problem.nearest) == (2, "ops")
    with pytest.raises(TaskFileError):
        request("prompt: x\nnotify: [{webhook: 'http://127.0.0.1/'}]\n")


@pytest.mark.parametrize(
    "wrong",
    [
        {"targets": {"a": {}}},
        {"targets": {"a": {"webhook": "http://127.0.0.1/"}}},
        {"targets": {"a": {"command": ["x"], "secret": {"env": "X"}}}},
        {"targets": {}, "default": ["a"]},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"webhook|targets"):
        NotifySettings.model_validate(wrong)


class Hook:
    """Keeps what is posted; answers as it is told."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        hook = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.posts.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name for it
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def target(self) -> Target:
        return a_target(webhook=f"http://127.0.0.1:{self.server.server_address[1]}/", secret=SECRET)


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def test_what_is_posted_is_signed_as_the_page_checks_it(hook: Hook) -> None:
    assert isinstance(tell_target(hook.target, ONE, Children()), Told)
    ((headers, body),) = hook.posts
    assert headers["Idempotency-Key"] == '"M-1"'
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code is not None
    page: dict[str, Any] = {}
    exec(code[1], page)
    signed, now = headers["X-Koubou-Signature"], time.time()
    assert page["verified"](SECRET, signed, body, now)
    assert not page["verified"]("another", signed, body, now)
    assert not page["verified"](SECRET, signed, body + b" ", now)
    assert not page["verified"](SECRET, signed, body, now + 400)


def test_a_command_gets_the_words_and_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOUBOU_PASSPHRASE", "secret")
    script = (
        "import json, os, sys; json.dump([sys.stdin.read(), dict(os.environ), os.getpgid(0)], open(sys.argv[1], 'w'))"
    )
    target = a_target(webhook=None, command=(sys.executable, "-I", "-c", script, str(tmp_path / "out")))
    assert isinstance(tell_target(target, ONE, Children()), Told)
    heard, environment, leads = json.loads((tmp_path / "out").read_text())
    assert heard == ONE.body
    assert set(environment) <= {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "LC_CTYPE"}
    assert leads


@pytest.mark.parametrize("command", [("/nowhere/to/be/found",), ("/bin/false",)])
def test_a_command_that_fails_is_not_told(command: tuple[str, ...]) -> None:
    assert isinstance(tell_target(a_target(webhook=None, command=command), ONE, Children()), NotTold)


def test_what_fails_stays_owed_and_is_repeated_by_the_same_id(hook: Hook) -> None:
    board, stream = Board(open_in_memory()), io.StringIO()
    with board.transaction():
        board.notifications.owe("M-1", "ops", ONE.body, clock())
        board.notifications.owe("M-old", "gone", ONE.body, clock() - 4 * DAY)

    async def main() -> None:
        journal = Journal(stream=stream)
        messenger = Messenger(board, journal, Children())
        messenger.take(Notify(targets={"ops": hook.target}))
        hook.status = 404
        messenger.tell()
        await until(lambda: "notification.failed" in stream.getvalue())
        hook.status = 204
        messenger.take(Notify(targets={"ops": hook.target}))  # a reload: what failed for the settings is tried at once
        messenger.tell()
        await until(lambda: "notification.told" in stream.getvalue())
        journal.close()

    async def until(fact: Any) -> None:
        async with asyncio.timeout(20):
            while not fact():
                await asyncio.sleep(0.01)

    asyncio.run(main())
    assert [headers["Idempotency-Key"] for headers, _ in hook.posts] == ['"M-1"', '"M-1"']
    assert board.notifications.due("ops", clock() + DAY, 9) == []
    assert "notification.given_up" in stream.getvalue()
    assert SECRET not in stream.getvalue()
