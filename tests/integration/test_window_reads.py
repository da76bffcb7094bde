"""What the window shows, and to whom: roles, confidential tasks, pages, and what happens as it happens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from builders import NOW
from doors import SEEN_BY_API, Door, Outcome, outcome
from windows import KIM, LEE, Opened, opened

from koubou.model.access import WORKSHOP, Role
from koubou.model.instant import SECOND
from koubou.model.status import Park, ParkReason
from koubou.model.task import Sensitivity

LOCKED = "the-lock-of-the-secret"
READS = {
    "me": "/api/v1/me",
    "status": "/api/v1/status",
    "tiers": "/api/v1/tiers",
    "workers": "/api/v1/workers",
    "budget": "/api/v1/budget",
    "reports": "/api/v1/budget/report",
    "metrics": "/metrics",
    "list": "/api/v1/tasks",
    "show": "/api/v1/tasks/plain",
    "explain": "/api/v1/tasks/plain/explain",
    "read": "/api/v1/tasks/plain/log",
    "read_confidential": "/api/v1/tasks/secret/log",
}


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("window")) as found:
        found.task("plain", KIM, title="Plain title")
        found.secret = found.task("secret", KIM, secret=True, title="Secret title", session="secret-session")
        found.task("of-lee", LEE)
        yield found


@pytest.fixture(scope="module")
def tokens(window: Opened) -> dict[str, str]:
    found = {role.value: window.token(role, KIM) for role in Role}
    return {**found, "lee": window.token(Role.SUBMITTER, LEE)}


@pytest.mark.parametrize("role", Role)
def test_each_role_reads_what_the_table_says(window: Opened, tokens: dict[str, str], role: Role) -> None:
    assert {*READS, "events"} == SEEN_BY_API
    for verb, path in READS.items():
        wanted = 403 if outcome(Door.API, verb, role) is Outcome.REFUSED else 200
        assert window.ask(path, tokens[role]).status == wanted, verb
    with window.watch("/api/v1/events?after=0", tokens[role]) as events:
        assert outcome(Door.API, "events", role) is not Outcome.REFUSED
        assert next(events)


def test_without_a_token_nothing_is_told_but_that_it_lives(window: Opened) -> None:
    for path in (*READS.values(), "/api/v1/events", "/api/v1/tasks/secret/result"):
        answer = window.ask(path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="koubou"')
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["type"] == "urn:koubou:problem:no_token"
    assert window.ask("/").status == 200
    assert window.ask("/api/openapi.json").json["openapi"] == "3.1.0"


def test_what_is_no_token_opens_nothing_and_neither_does_a_revoked_or_an_old_one(window: Opened) -> None:
    revoked, old = window.token(Role.OPERATOR), window.token(Role.OPERATOR, expires_at=1)
    with window.board.transaction():
        assert window.board.tokens.revoke(revoked[4:14], NOW)
    stranger = f"kbu_{'0' * 10}_{'0' * 64}"
    for token in (revoked, old, stranger, "x"):
        assert window.ask("/api/v1/me", token).status == 401


def test_a_viewer_gets_no_word_of_a_confidential_task(window: Opened, tokens: dict[str, str]) -> None:
    bodies = {
        path: window.ask(f"/api/v1/{path}", tokens["viewer"]).body.decode()
        for path in ("tasks", "tasks/secret", "tasks/secret/explain", "status")
    }
    for path, body in bodies.items():
        assert "Secret title" not in body, path
        assert "secret-session" not in body, path
        assert "words of secret" not in body, path
    assert "Plain title" in bodies["tasks"]
    for path in ("log", "result"):
        assert window.ask(f"/api/v1/tasks/secret/{path}", tokens["viewer"]).status == 403


def test_a_submitter_sees_his_own_tasks_and_of_others_not_that_they_are_there(
    window: Opened, tokens: dict[str, str]
) -> None:
    listed = window.ask("/api/v1/tasks", tokens["lee"]).json["tasks"]
    assert [task["id"] for task in listed] == ["of-lee"]
    for path in ("", "/explain", "/log", "/result"):
        other = window.ask(f"/api/v1/tasks/secret{path}", tokens["lee"])
        nothing = window.ask(f"/api/v1/tasks/nothing{path}", tokens["lee"])
        assert other.status == nothing.status == 404
        assert other.body.replace(b"secret", b"nothing") == nothing.body
    own = window.ask("/api/v1/tasks/secret", tokens["submitter"]).json
    assert (own["title"], own["session"]) == ("Secret title", "secret-session")
    assert "accounts" not in window.ask("/api/v1/status", tokens["lee"]).json


def test_the_shapes_are_those_of_the_command_line(
    window: Opened, tokens: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    from koubou.cli.main import main

    config = f"{window.layout.home}/../koubou.yaml"
    for words, path in ((("show", "plain"), "tasks/plain"), (("explain", "plain"), "tasks/plain/explain")):
        assert main([*words, "--json", "--config", config]) == 0
        assert still(json.loads(capsys.readouterr().out)) == still(
            window.ask(f"/api/v1/{path}", tokens["operator"]).json
        )
    assert main(["list", "--json", "--config", config]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == window.ask("/api/v1/tasks", tokens["operator"]).json["tasks"]


def still(shape: dict[str, Any]) -> dict[str, Any]:
    """Without what another moment changes."""
    return {name: value for name, value in shape.items() if name not in ("priority", "now")}


def test_pages_follow_one_another_until_there_is_none(window: Opened, tokens: dict[str, str]) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = window.ask(f"/api/v1/tasks?limit=1{cursor and f'&cursor={cursor}'}", tokens["operator"]).json
        seen += [task["id"] for task in page["tasks"]]
        cursor = page["next"]
    assert sorted(seen) == ["of-lee", "plain", "secret"]
    assert window.ask("/api/v1/tasks?status=completed", tokens["operator"]).json == {"tasks": [], "next": None}
    assert window.ask("/api/v1/tasks?status=done", tokens["operator"]).status == 422
    assert window.ask("/api/v1/tasks?since=yesterday", tokens["operator"]).status == 422


def test_what_happens_is_told_as_it_happens_and_resumes_after_a_line(window: Opened, tokens: dict[str, str]) -> None:
    with window.watch("/api/v1/events?after=0", tokens["operator"]) as events:
        past = list(islice(events, 4))
        with window.board.transaction():
            window.board.history.add(None, "system.paused", "for a test", NOW + SECOND, WORKSHOP)
        live = next(event for event in events if json.loads(event["data"])["event"] == "system.paused")
    last = json.loads(live["data"])
    assert (last["task"], last["reason"]) == (None, "for a test")
    with window.watch("/api/v1/events", tokens["operator"], {"Last-Event-ID": past[1]["id"]}) as events:
        assert next(events)["id"] == past[2]["id"]


def test_of_what_happens_each_hears_what_he_may(window: Opened, tokens: dict[str, str]) -> None:
    def heard(token: str, end: str) -> list[dict[str, Any]]:
        found = []
        with window.watch("/api/v1/events?after=0", token) as events:
            for event in events:
                found.append(json.loads(event["data"]))
                if found[-1]["task"] == end and found[-1]["event"] == "task.routed":
                    return found
        return found

    assert {line["task"] for line in heard(tokens["lee"], "of-lee")} == {"of-lee"}
    by_viewer = heard(tokens["viewer"], "of-lee")
    assert [line["reason"] for line in by_viewer if line["task"] == "secret"] == [""] * len(
        [line for line in by_viewer if line["task"] == "secret"]
    )
    assert "words of plain" in [line["reason"] for line in by_viewer]


def test_names_and_pages_of_others_are_turned_away(window: Opened, tokens: dict[str, str]) -> None:
    token = tokens["operator"]
    assert window.ask("/api/v1/me", token, headers={"Host": "evil.example:80"}).status == 421
    assert window.ask("/api/v1/me", token, headers={"Origin": "http://evil.example"}).status == 403
    own = f"127.0.0.1:{window.port}"
    assert window.ask("/api/v1/me", token, headers={"Origin": f"http://{own}"}).status == 200


def test_every_answer_says_what_a_browser_must_not_do_with_it(window: Opened, tokens: dict[str, str]) -> None:
    for path, token in (("/", None), ("/api/v1/me", tokens["viewer"]), ("/api/v1/me", None), ("/nothing", None)):
        headers = window.ask(path, token).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in headers
        assert headers["cache-control"] == ("no-cache" if path == "/" else "no-store")


def test_what_is_too_large_or_no_request_is_refused_in_the_same_form(window: Opened, tokens: dict[str, str]) -> None:
    token = tokens["operator"]
    assert window.ask("/api/v1/me", token, headers={"Content-Length": "99999999999"}).status == 413
    nothing, no_method = window.ask("/api/v1/nothing", token), window.ask("/api/v1/me", token, method="DELETE")
    assert (nothing.status, no_method.status) == (404, 405)
    for refused in (nothing, no_method):
        assert refused.json["status"] == refused.status
        assert "/api/openapi.json" in refused.json["detail"], "what to do"


def test_a_viewer_learns_no_name_that_a_confidential_task_says(window: Opened, tokens: dict[str, str]) -> None:
    """Neither by what it waits for, nor by a filter, nor by accounts and events that are named for its session."""
    waits = Park(reason=ParkReason.BUDGET, detail="session:secret-session has nothing left")
    with window.board.transaction():
        window.board.tasks.parked(window.board.tasks.at(window.secret), waits, NOW)
        window.board.ledger.set_limit("session:secret-session", "usd", 1, "lee", "why", NOW)
        window.board.history.add(None, "budget.set", "session:secret-session: $1", NOW, WORKSHOP)
    for path in ("tasks/secret", "tasks/secret/explain", "budget"):
        told = {role: window.ask(f"/api/v1/{path}", tokens[role]).body for role in ("viewer", "operator")}
        assert b"secret-session" in told["operator"], path
        assert b"secret-session" not in told["viewer"], path
    found = {role: window.ask("/api/v1/tasks?session=secret-session", tokens[role]) for role in ("viewer", "operator")}
    assert [len(found[role].json["tasks"]) for role in ("viewer", "operator")] == [0, 1]
    assert window.ask("/api/v1/budget/report?by=session", tokens["viewer"]).status == 403
    assert window.ask("/api/v1/budget/report?by=session", tokens["operator"]).status == 200
    with window.watch("/api/v1/events?after=0", tokens["viewer"]) as events:
        line = next(told for event in events if (told := json.loads(event["data"]))["event"] == "budget.set")
    assert line["reason"] == ""


def test_of_a_lock_that_others_have_nobody_learns_whose_it_is(window: Opened, tokens: dict[str, str]) -> None:
    first, second = window.task("has-it", KIM, locks=(LOCKED,)), window.task("wants-it", LEE, locks=(LOCKED,))
    with window.board.transaction():
        at = window.board.tasks.at
        park = Park(reason=ParkReason.DEPENDENCY, detail="waits for a lock that a riper task waits for")
        for seq in (first, second):
            window.board.tasks.parked(at(seq), park, NOW)
            window.board.queue.line_up(at(seq))
    told = {role: window.ask("/api/v1/tasks/wants-it/explain", tokens[role]).json for role in ("lee", "operator")}
    assert told["operator"]["waits_for"][0]["other"] == "has-it"
    assert told["lee"]["waits_for"][0]["lock"] == LOCKED
    assert "has-it" not in json.dumps(told["lee"])


def test_why_the_workshop_was_stopped_is_for_those_who_keep_it(window: Opened, tokens: dict[str, str]) -> None:
    with window.board.transaction():
        window.board.crew.latch("pause", "words of a person", NOW)
    try:
        for path in ("status", "tasks/of-lee/explain"):
            while b"words of a person" not in window.ask(f"/api/v1/{path}", tokens["operator"]).body:
                time.sleep(0.05)  # the status is looked at again within a second
            assert b"words of a person" not in window.ask(f"/api/v1/{path}", tokens["lee"]).body
        assert list(window.ask("/api/v1/status", tokens["lee"]).json["latches"]) == ["pause"]
    finally:
        with window.board.transaction():
            window.board.crew.unlatch("pause")


def test_a_token_that_is_revoked_ends_its_stream_also_while_much_happens(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koubou.window.streams.BEAT", 0.3)
    token = window.token(Role.VIEWER)
    with window.watch("/api/v1/events", token) as events:
        with window.board.transaction():
            assert window.board.tokens.revoke(token[4:14], NOW)
        deadline = time.monotonic() + 10
        for _ in events:
            assert time.monotonic() < deadline
            happens(window)
            happens(window)


def test_who_hears_nothing_of_what_happens_is_put_out_all_the_same(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koubou.window.streams.BEAT", 0.3)
    monkeypatch.setattr("koubou.window.routes.events.BEAT", 0.3)
    token = window.token(Role.SUBMITTER, LEE + 1)
    heard: list[object] = []
    with window.watch("/api/v1/events", token) as events:
        listening = threading.Thread(target=lambda: heard.extend(events), daemon=True)
        listening.start()
        with window.board.transaction():
            assert window.board.tokens.revoke(token[4:14], NOW)
        deadline = time.monotonic() + 10
        while listening.is_alive():
            assert time.monotonic() < deadline
            with window.board.transaction():
                window.board.history.add(window.secret, "task.routed", "again", NOW, WORKSHOP)
            listening.join(0.05)
    assert heard == []


def test_an_answer_that_becomes_confidential_is_told_no_further(window: Opened, tokens: dict[str, str]) -> None:
    seq = window.task("growing", KIM)
    with window.watch("/api/v1/tasks/growing/log", tokens["viewer"], {"Accept": "text/event-stream"}) as events:
        with window.board.transaction():
            window.board.tasks.set_sensitivity(window.board.tasks.at(seq), Sensitivity.CONFIDENTIAL, NOW)
        assert list(events) == []


def happens(window: Opened) -> None:
    with window.board.transaction():
        window.board.history.add(None, "system.paused", "again", NOW, WORKSHOP)
