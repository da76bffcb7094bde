"""Telling the guardian over HTTP: one issue however often it is tried, and every answer understood."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from recorder import TOKEN, Recorder

from koubou.model.instant import MINUTE, SECOND
from koubou.model.notice import Channel, GithubWay, Guardian, Notice, NotTold, Told, Trouble, WebhookWay
from koubou.notices import exchange
from koubou.notices.deliver import deliver
from tests.builders import NOW

FACTS = {
    "key": "emergency",
    "reason": "the signal SIGUSR2",
    "at_work": 2,
    "waiting": 5,
    "tasks": {"pending": 5, "in_progress": 2},
    "workers": {"busy": 1},
    "spent": [{"tier": "high", "model": "gpt-5", "calls": 1000, "tokens": 12345, "nusd": 1_500_000_000}],
    "month": {
        "name": "month:2027-01",
        "limit_nusd": 2_000_000_000,
        "settled_nusd": 1_500_000_000,
        "held_nusd": 10_000_000,
        "unreconciled_nusd": 0,
        "percent": 75.0,
    },
}


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def a_notice(channel: Channel = Channel.GITHUB, **changes: Any) -> Notice:
    """An emergency of this moment, not tried yet."""
    at = time.time_ns() // 1_000_000
    values: dict[str, Any] = {"incident": f"emergency@{at}", "channel": channel, "marker": "01JMARKER"}
    return Notice(**values | {"kind": "emergency", "facts": FACTS, "at": at} | changes)


def tried(notice: Notice) -> Notice:
    """The same when an attempt was begun and nobody knows how it ended."""
    return replace(notice, begun_at=notice.at, tries=notice.tries + 1)


def a_guardian(recorder: Recorder, **changes: Any) -> Guardian:
    """Told by both ways."""
    github: dict[str, Any] = {"api": recorder.address, "repo": "octo/workshop", "token": TOKEN, "assignee": "octocat"}
    way = GithubWay(**github | {"labels": ("koubou", "emergency")} | changes)
    here = {"host": "a-host", "home": "/var/koubou"}
    return Guardian(github=way, webhook=WebhookWay(address=recorder.webhook), name="@octocat", workshop=here)


def failure(outcome: Told | NotTold) -> NotTold:
    assert isinstance(outcome, NotTold), outcome
    return outcome


def test_an_issue_is_opened_with_title_labels_assignee_and_body(recorder: Recorder) -> None:
    assert deliver(a_guardian(recorder), a_notice()) == Told(issue=1)
    [(method, path, headers, body)] = recorder.requests
    assert (method, path) == ("POST", "/repos/octo/workshop/issues")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert body["assignees"] == ["octocat"]
    assert body["labels"] == ["koubou", "emergency"]
    assert body["title"].startswith("Koubou: emergency stop on a-host, 20")
    for part in ("$2.00", "$1.50", "75.0 %", "tasks at work: 2; waiting: 5", "`gpt-5`", "budget resume --reason"):
        assert part in body["body"], part


@pytest.mark.parametrize("way", ["lost", "cut", "500 after"])
def test_an_issue_whose_answer_was_lost_is_found_and_not_opened_again(recorder: Recorder, way: str) -> None:
    recorder.next_posts(way)
    notice = a_notice()
    first = failure(deliver(a_guardian(recorder), notice))
    assert first.trouble in (Trouble.NETWORK, Trouble.SERVER)
    assert deliver(a_guardian(recorder), tried(notice)) == Told(issue=1, found=True)
    assert len(recorder.issues) == 1


def test_no_answer_in_time_is_no_answer(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ANSWER_WITHIN", 0.2)
    recorder.next_posts("hung")
    notice = a_notice()
    assert failure(deliver(a_guardian(recorder), notice)).trouble is Trouble.NETWORK
    assert deliver(a_guardian(recorder), tried(notice)) == Told(issue=1, found=True)
    assert len(recorder.issues) == 1


def test_what_never_arrived_is_opened_after_the_look(recorder: Recorder) -> None:
    recorder.next_posts("500")
    notice = a_notice()
    deliver(a_guardian(recorder), notice)
    assert deliver(a_guardian(recorder), tried(notice)) == Told(issue=1)
    assert [each[0] for each in recorder.requests] == ["POST", "GET", "POST"]


def test_nothing_is_opened_while_nobody_can_look(recorder: Recorder) -> None:
    recorder.next_posts("lost")
    notice = a_notice()
    deliver(a_guardian(recorder), notice)
    recorder.answer_all(502)
    assert failure(deliver(a_guardian(recorder), tried(notice))).trouble is Trouble.SERVER
    assert recorder.count("POST") == 1


def test_it_is_found_behind_many_others_and_without_its_labels(recorder: Recorder) -> None:
    recorder.drops_labels = True
    recorder.next_posts("lost")
    notice = a_notice()
    deliver(a_guardian(recorder), notice)
    own = recorder.issues[0]
    recorder.issues += [{**own, "number": number, "body": None} for number in range(2, 252)]
    assert deliver(a_guardian(recorder), tried(notice)) == Told(issue=1, found=True)
    assert recorder.count("GET") == 3


def test_the_issue_of_another_incident_is_not_taken_for_it(recorder: Recorder) -> None:
    deliver(a_guardian(recorder), a_notice(marker="01JOTHER"))
    assert deliver(a_guardian(recorder), tried(a_notice())) == Told(issue=2)


def test_the_look_ends_in_a_repository_of_thousands(recorder: Recorder) -> None:
    deliver(a_guardian(recorder), a_notice(marker="01JOTHER"))
    recorder.issues *= 3_000
    assert deliver(a_guardian(recorder), tried(a_notice())) == Told(issue=3_001)
    assert recorder.count("GET") == 10


def test_a_refused_assignee_or_label_is_left_out_rather_than_the_notice(recorder: Recorder) -> None:
    recorder.refused_logins.add("octocat")
    assert deliver(a_guardian(recorder), a_notice()) == Told(issue=1, without=("assignee",))
    assert recorder.issues[0]["labels"] == ["koubou", "emergency"]
    assert "@octocat" in recorder.issues[0]["body"]
    recorder.refuses_labels = True
    assert deliver(a_guardian(recorder), a_notice()) == Told(issue=2, without=("assignee", "labels"))
    assert len(recorder.issues) == 2


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (301, Trouble.SETTINGS),
        (401, Trouble.SETTINGS),
        (403, Trouble.SETTINGS),
        (404, Trouble.SETTINGS),
        (410, Trouble.SETTINGS),
        (422, Trouble.SETTINGS),
        (200, Trouble.SERVER),
        (429, Trouble.RATE),
        (500, Trouble.SERVER),
        (503, Trouble.SERVER),
    ],
)
def test_every_answer_of_github_is_understood(recorder: Recorder, status: int, trouble: Trouble) -> None:
    recorder.answer_all(status)
    failed = failure(deliver(a_guardian(recorder), a_notice()))
    assert failed.trouble is trouble
    assert str(status) in failed.reason or trouble is Trouble.RATE
    assert bool(failed.remedy) == (trouble is Trouble.SETTINGS)
    assert TOKEN not in repr(failed)


def test_a_limit_is_waited_for_as_long_as_github_says(recorder: Recorder) -> None:
    recorder.answer_all(403, Retry_After="17")
    assert failure(deliver(a_guardian(recorder), a_notice())).wait == 17 * SECOND
    reset = int(time.time()) + 600
    recorder.answer_all(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(reset))
    failed = failure(deliver(a_guardian(recorder), a_notice()))
    assert failed.trouble is Trouble.RATE
    assert failed.wait is not None
    assert 9 * MINUTE < failed.wait <= 10 * MINUTE
    recorder.answer_all(429)
    assert failure(deliver(a_guardian(recorder), a_notice())).wait == MINUTE


def test_a_redirect_is_not_followed_and_the_token_stays(recorder: Recorder) -> None:
    with Recorder() as elsewhere:
        recorder.answer_all(307, Location=f"{elsewhere.address}/repos/a/b/issues")
        assert "moved" in failure(deliver(a_guardian(recorder), a_notice())).remedy
        assert elsewhere.requests == []


def test_neither_proxies_nor_netrc_are_asked(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert deliver(a_guardian(recorder), a_notice()) == Told(issue=1)
    assert recorder.requests[0][2]["Authorization"] == f"Bearer {TOKEN}"


def test_a_token_that_is_not_there_is_told_and_nothing_is_asked(recorder: Recorder) -> None:
    guardian = a_guardian(recorder, token="", problem="the environment variable GITHUB_TOKEN is not set")
    failed = failure(deliver(guardian, a_notice()))
    assert failed.trouble is Trouble.SETTINGS
    assert "GITHUB_TOKEN" in failed.reason
    assert recorder.requests == []


def test_nobody_there_is_no_connection() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unheard.getsockname()[1]}/a-secret-path"
        guardian = Guardian(webhook=WebhookWay(address=address))
        failed = failure(deliver(guardian, a_notice(Channel.WEBHOOK)))
    assert failed.trouble is Trouble.NETWORK
    assert "secret" not in repr(failed)


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/key", "http://[::1/key", "http://\udcff/key"])
def test_an_address_that_is_none_is_told_without_it(address: str) -> None:
    failed = failure(deliver(Guardian(webhook=WebhookWay(address=address)), a_notice(Channel.WEBHOOK)))
    assert failed.trouble in (Trouble.SETTINGS, Trouble.NETWORK)
    assert "key" not in failed.reason.split()


def test_an_answer_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_LARGEST", 100_000)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def pour() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b"x" * 65536)
                except OSError:
                    pass

        thread = threading.Thread(target=pour)
        thread.start()
        guardian = Guardian(webhook=WebhookWay(address=f"http://127.0.0.1:{server.getsockname()[1]}/"))
        failed = failure(deliver(guardian, a_notice(Channel.WEBHOOK)))
        thread.join(10)
    assert "does not end" in failed.reason


def test_the_webhook_gets_the_same_key_with_every_try(recorder: Recorder) -> None:
    recorder.next_posts("500 after")
    notice = a_notice(Channel.WEBHOOK)
    assert failure(deliver(a_guardian(recorder), notice)).trouble is Trouble.SERVER
    assert deliver(a_guardian(recorder), tried(notice)) == Told()
    assert [each[2]["Idempotency-Key"] for each in recorder.requests] == ['"01JMARKER"'] * 2
    first, second = recorder.posts
    assert first == second
    assert first["id"] == "01JMARKER"
    assert first["kind"] == "emergency"
    assert first["facts"]["month"]["percent"] == 75.0
    assert "emergency stop" in first["text"]
    assert not any("Authorization" in each[2] for each in recorder.requests)


def test_a_way_that_the_settings_do_not_have_is_told_of() -> None:
    for channel in Channel:
        assert failure(deliver(Guardian(), a_notice(channel))).trouble is Trouble.SETTINGS


def test_a_bug_of_ours_is_told_and_tried_again(recorder: Recorder) -> None:
    broken = a_notice(facts={"spent": ["not a line"]})
    failed = failure(deliver(a_guardian(recorder), broken))
    assert failed.trouble is Trouble.BUG


def test_words_of_the_facts_mean_nothing_to_markdown(recorder: Recorder) -> None:
    facts = {
        **FACTS,
        "reason": "@everyone <img src=x> [link](http://x) `code` closes #1",
        "tier": "`@x` <b>",
        "at": NOW,
    }
    deliver(a_guardian(recorder), a_notice(facts=facts))
    body = recorder.issues[0]["body"]
    assert "@everyone" not in body
    assert "<img" not in body
    assert "[link]" not in body
    assert "<b>" not in body
