"""What the window changes, and what the folder does not: every verb for every role; work that is given by either."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from doors import CHANGED_BY_API, Door, Outcome, not_through, outcome
from windows import Answer, events_of
from workshop import Workshop

from koubou.model.access import Role

JSON = {"Content-Type": "application/json"}
TIER = {"reach": "local", "executor": "rehearsal", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
TIERS = {"local": {**TIER, "price": {"input": 0, "output": 0}}}
KIM = 4_001
UIDS = {role.value: 4_011 + place for place, role in enumerate(Role)}
"""Who drops files: one of each role, as the settings say."""
BOUND = 4_021
SECURITY = {
    "roles": {role: [str(uid)] for role, uid in UIDS.items() if role != "submitter"},
    "bounds": {
        str(BOUND): {
            "tiers": [],
            "executors": ["chat"],
            "priority": "normal",
            "budget": {"cost_usd": 0.5, "tokens": 99},
        }
    },
}
BEYOND: dict[str, Any] = {
    "tier": "local",
    "executor": "codex",
    "priority": "high",
    "budget": {"cost_usd": 0.51},
}
ROLES = [role.value for role in Role]
WITH_REASON = {"reason": "for a test"}
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "cancel": ("tasks/none/cancel", {}),
    "retry": ("tasks/none/retry", {}),
    "finish": ("tasks/none/finish", {}),
    "priority": ("tasks/none/priority", {"level": "high"}),
    "rate": ("tasks/none/rate", {"rating": "good"}),
    "release": ("tasks/none/release", {"to": "internal", **WITH_REASON}),
    "pause": ("pause", {"tier": "local"}),
    "resume": ("resume", {"tier": "local"}),
    "drain": ("drain", {}),
    "latch": ("emergency", WITH_REASON),
    "resume_budget": ("budget/resume", WITH_REASON),
    "budget_set": ("budget/set", {"scope": "month", "usd": 900, **WITH_REASON}),
    "budget_add": ("budget/add", {"account": "month", "usd": 1.5}),
}


WORK: dict[str, tuple[str, dict[str, Any], int]] = {
    "submit": ("tasks", {"prompt": "for a test"}, 201),
    "estimate": ("estimate", {"prompt": "for a test"}, 200),
}


class Served:
    """A workshop that is served, and its window."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.netloc = urlsplit(workshop.wait_for_event("window.open")["address"]).netloc
        self.tokens = {role: self.token(role) for role in ROLES}

    def token(self, role: str, uid: int = KIM) -> str:
        """A new token."""
        name = f"{role}-{uid}-{time.monotonic_ns()}"
        done = self.workshop.koubou("token", "add", name, "--role", role, "--user", str(uid))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ask(self, path: str, token: str, body: Any = None, **headers: str) -> Answer:
        """A GET without a body, a POST with one."""
        connection = HTTPConnection(self.netloc, timeout=30)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            given = {"Authorization": f"Bearer {token}", **(JSON if body is not None else {}), **headers}
            connection.request(
                "GET" if body is None else "POST", path if path.startswith("/") else f"/api/v1/{path}", data, given
            )
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def drop(self, uid: int, files: dict[str, dict[str, Any]]) -> None:
        """Task files of this user, all at once."""
        for name, content in files.items():
            draft = self.workshop.folder / name
            draft.write_text(json.dumps(content))
            os.chown(draft, uid, -1)
        for name in files:
            (self.workshop.folder / name).rename(self.workshop.home / "tasks" / name)

    def ended(self, task_id: str, token: str) -> str:
        """How a task ended, by its events."""
        connection = HTTPConnection(self.netloc, timeout=30)
        try:
            connection.request("GET", "/api/v1/events?after=0", None, {"Authorization": f"Bearer {token}"})
            for event in events_of(connection.getresponse()):
                line = json.loads(event["data"])
                if line["task"] == task_id and line["status"] in ("completed", "failed", "cancelled"):
                    return str(line["status"])
        finally:
            connection.close()
        raise AssertionError("the stream ended")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    if os.geteuid() != 0:
        pytest.skip("a token that acts for another user needs root")
    with Workshop(None, tiers=TIERS, routing={}, window={"listen": "127.0.0.1:0"}, security=SECURITY) as workshop:
        workshop.start()
        yield Served(workshop)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_changes_what_the_table_says(served: Served, role: str) -> None:
    for verb, (path, body) in CHANGES.items():
        answer = served.ask(path, served.tokens[role], body)
        if outcome(Door.API, verb, Role(role)) is Outcome.REFUSED:
            assert answer.status == 403, (verb, answer.body)
        else:
            assert answer.status == (404 if "none" in path else 200), (verb, answer.body)
    for verb, (path, body, well) in WORK.items():
        answer = served.ask(path, served.tokens[role], body)
        assert answer.status == (403 if outcome(Door.API, verb, Role(role)) is Outcome.REFUSED else well), verb
    done = {"reason": "the test is over"}
    assert served.ask("budget/resume", served.tokens["guardian"], done).status == 200
    assert served.ask("resume", served.tokens["guardian"], {}).status == 200


def test_what_the_api_does_not_carry_has_no_path(served: Served) -> None:
    assert {*CHANGES, *WORK} == CHANGED_BY_API
    for verb in not_through(Door.API):
        for path in (verb, verb.replace("_", "/"), f"tasks/none/{verb}"):
            assert served.ask(path, served.tokens["guardian"], {}).status in (404, 405), path


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gives_work_by_the_folder_and_can_say_nothing_else_there(served: Served, role: str) -> None:
    victim = f"victim-of-{role}"
    later = {"id": victim, "prompt": "x", "not_before": "2099-01-01T00:00:00Z"}
    assert served.ask("tasks", served.tokens["submitter"], later).status == 201
    others = {f"{role}-{verb}.json": {"verb": verb, "ids": [victim], verb: victim} for verb in not_through(Door.FOLDER)}
    forged = f"{'0' * 26}~for~{UIDS['guardian']}~root~10.0.0.7.json"
    work = {"id": f"work-of-{role}", "prompt": "x"}
    served.drop(UIDS[role], {**others, f"{role}.json": work, forged: {**work, "id": f"forged-by-{role}"}})
    for name in others:
        assert served.workshop.refusal(name)["error"]["class"] == "schema"
    if outcome(Door.FOLDER, "submit", Role(role)) is Outcome.REFUSED:
        for name in (f"{role}.json", forged):
            assert served.workshop.refusal(name)["error"]["class"] == "not_allowed"
            (served.workshop.home / "tasks/rejected" / name).unlink()
    else:
        for name in ("work-of", "forged-by"):
            served.ended(f"{name}-{role}", served.tokens["operator"])
            shown = served.ask(f"tasks/{name}-{role}", served.tokens["operator"]).json
            assert shown["history"][0]["source"] == "folder"
            assert shown["history"][0]["actor"] == f"uid {UIDS[role]}"
    left = served.ask(f"tasks/{victim}", served.tokens["operator"]).json
    assert left["status"] == "pending"
    assert {line["event"] for line in left["history"]} <= {"task.enqueued", "task.parked"}


def test_nobody_gets_beyond_his_bounds_by_either_door(served: Served) -> None:
    token = served.token("submitter", BOUND)
    served.drop(BOUND, {f"beyond-{key}.json": {"prompt": "x", key: value} for key, value in BEYOND.items()})
    for key, value in BEYOND.items():
        by_api = served.ask("tasks", token, {"prompt": "x", key: value})
        assert (by_api.status, by_api.json["class"]) == (422, "not_allowed"), key
        by_folder = served.workshop.refusal(f"beyond-{key}.json")["error"]
        assert by_folder["class"] == "not_allowed"
        assert by_folder["message"] in json.dumps(by_api.json), key


def test_a_task_is_given_by_http_watched_to_its_end_and_its_result_read(served: Served) -> None:
    token = served.tokens["submitter"]
    given = served.ask("tasks", token, {"prompt": "What is two and two?"})
    assert (given.status, given.json["stands"]) == (201, "new")
    task_id = given.json["id"]
    assert given.headers["location"] == f"/api/v1/tasks/{task_id}"
    assert served.ended(task_id, token) == "completed"
    result = served.ask(f"tasks/{task_id}/result", token).json
    assert (result["task"], result["status"]) == (task_id, "completed")
    first = served.ask(f"tasks/{task_id}", token).json["history"][0]
    assert first["actor"].startswith("token:submitter-")
    assert first["source"] == "api 127.0.0.1"


def test_who_gives_a_task_owns_it_and_no_other_submitter_hears_of_it(served: Served) -> None:
    stranger = served.token("submitter", 4_002)
    task_id = served.ask("tasks", served.tokens["submitter"], {"prompt": "mine"}).json["id"]
    for path in (f"tasks/{task_id}", f"tasks/{task_id}/log"):
        assert served.ask(path, stranger).status == 404
    assert served.ask(f"tasks/{task_id}/cancel", stranger, {}).status == 404
    assert served.ask("tasks", stranger).json["tasks"] == []


def test_a_rejected_task_file_says_where_and_what(served: Served) -> None:
    token = served.tokens["submitter"]
    answer = served.ask("tasks", token, {"prompt": "x", "titel": "y"})
    assert answer.status == 422
    assert answer.json["problems"][0] | {"column": 0} == {
        "message": 'unknown key "titel"',
        "line": 1,
        "column": 0,
        "key": "titel",
        "nearest": "title",
    }
    yaml = served.ask("tasks", token, b"prompt: x\ntier: nix\n", **{"Content-Type": "application/yaml"})
    assert (yaml.status, yaml.json["problems"][0]["key"]) == (422, "tier")
    assert served.ask("tasks", token, b"x", **{"Content-Type": "text/plain"}).status == 415


def test_the_same_again_is_done_once_and_another_task_of_the_same_id_is_refused(served: Served) -> None:
    token, task = served.tokens["submitter"], {"id": "once", "prompt": "once"}
    assert [served.ask("tasks", token, task).status for _ in range(2)] == [201, 200]
    assert served.ask("tasks", token, {"id": "once", "prompt": "otherwise"}).json["class"] == "duplicate_id"


def test_a_key_brings_the_same_answer_and_is_good_for_one_request(served: Served) -> None:
    token, key = served.tokens["submitter"], {"Idempotency-Key": "key-1"}
    first, again = (served.ask("tasks", token, {"prompt": "keyed"}, **key) for _ in range(2))
    assert (first.status, first.body) == (again.status, again.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert served.ask("tasks", token, {"prompt": "another"}, **key).json["type"] == "urn:koubou:problem:key_used"
    guardian = served.tokens["guardian"]
    before = month(served)
    for _ in range(2):
        assert served.ask("budget/add", guardian, {"account": "month", "usd": 2}, **key).status == 200
    assert month(served) - before == 2


def test_an_estimate_submits_nothing(served: Served) -> None:
    answer = served.ask("estimate", served.tokens["submitter"], {"id": "dear", "prompt": "What does it cost?"})
    assert answer.json["estimates"][0]["tier"] == "local"
    assert served.ask("tasks/dear", served.tokens["submitter"]).status == 404


def test_a_token_made_while_the_master_serves_is_good_at_once_and_written_down(served: Served) -> None:
    done = served.workshop.koubou("token", "add", "fresh", "--role", "submitter", "--user", str(KIM), "--json")
    made = json.loads(done.stdout)
    me = served.ask("me", made["token"]).json
    assert (me["actor"], me["role"], me["uid"]) == ("token:fresh", "submitter", KIM)
    added = served.workshop.sql("SELECT source, reason FROM history WHERE event = 'token.added' ORDER BY id")[-1]
    assert added[0] == "socket", "the master wrote it, whom the command asked"
    assert made["id"] in added[1]
    used = "SELECT last_used_at FROM token WHERE id = ?"
    served.workshop.wait_until(lambda: served.workshop.sql(used, made["id"])[0][0], "its use is noted")
    secret = made["token"].rpartition("_")[2].encode()
    assert not [file for file in (served.workshop.home / "board").glob("koubou.db*") if secret in file.read_bytes()]


def test_a_token_that_is_revoked_opens_nothing_within_seconds(served: Served) -> None:
    token = served.token("viewer")
    assert served.ask("me", token).status == 200
    assert served.workshop.koubou("token", "rm", token[4:14]).returncode == 0
    deadline = time.monotonic() + 5
    while served.ask("me", token).status == 200:
        assert time.monotonic() < deadline


def test_the_metrics_and_the_checks_answer(served: Served) -> None:
    assert b"koubou_tasks" in served.ask("/metrics", served.tokens["viewer"]).body
    assert served.ask("/metrics", served.tokens["submitter"]).status == 403
    assert served.ask("/healthz", "").status == 200
    assert served.ask("/readyz", "").json["ok"] is True


def month(served: Served) -> float:
    accounts = served.ask("budget?account=month", served.tokens["guardian"]).json["accounts"]
    return float(next(each["limit_usd"] for each in accounts if each["dimension"] == "usd"))
