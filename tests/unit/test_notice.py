"""When the guardian is tried again, and what a notice says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koubou.model.instant import HOUR, MINUTE, SECOND
from koubou.model.notice import (
    Audience,
    Channel,
    GithubWay,
    Guardian,
    Notice,
    NotTold,
    Trouble,
    Views,
    WebhookWay,
    incident_of,
)
from koubou.notices.words import issue_body, marker_line, title, webhook_body
from koubou.rules.notice import ANSWERED_WITHIN, wait_after, wait_before_look
from tests.builders import NOW


def not_told(trouble: Trouble = Trouble.NETWORK, wait: int | None = None) -> NotTold:
    return NotTold(trouble=trouble, reason="of the tests", wait=wait)


def a_notice(kind: str = "emergency", **facts: object) -> Notice:
    known = {"key": kind, **facts}
    return Notice(incident="i", channel=Channel.GITHUB, marker="01JM", kind=kind, facts=known, at=NOW)


def test_the_waits_grow_up_to_a_quarter_of_an_hour_and_no_further() -> None:
    waits = [wait_after(not_told(), tries, 0.999) for tries in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[0] <= 4 * SECOND
    assert 14 * MINUTE < waits[-1] <= 15 * MINUTE


@pytest.mark.parametrize("tries", [1, 2, 10, 1_000_000])
@pytest.mark.parametrize("trouble", list(Trouble))
def test_there_is_always_some_wait(trouble: Trouble, tries: int) -> None:
    assert SECOND <= wait_after(not_told(trouble), tries, 0.0) <= wait_after(not_told(trouble), tries, 0.999)


def test_after_a_fault_of_the_server_nobody_looks_before_it_has_ended_what_it_did() -> None:
    assert wait_after(not_told(Trouble.SERVER), 1, 0.0) == ANSWERED_WITHIN


def test_what_the_other_end_asks_for_is_honoured_up_to_an_hour() -> None:
    assert wait_after(not_told(Trouble.RATE, 17 * SECOND), 5, 0.0) == 17 * SECOND
    assert wait_after(not_told(Trouble.RATE, 30 * HOUR), 5, 0.0) == HOUR
    assert wait_after(not_told(Trouble.RATE, 0), 5, 0.0) == SECOND


def test_issues_are_looked_at_once_a_minute_or_as_seldom_as_the_other_end_wants() -> None:
    def wait(failures: int = 0, **views: Any) -> int:
        return wait_before_look(Views(seen={}, **views), failures)

    assert wait() == MINUTE
    assert wait(wait=SECOND) == MINUTE
    assert wait(wait=10 * MINUTE) == 10 * MINUTE
    assert wait(wait=30 * HOUR) == HOUR
    assert wait(1, trouble=not_told(Trouble.NETWORK)) == MINUTE
    assert wait(99, trouble=not_told(Trouble.NETWORK)) == 15 * MINUTE // 2
    assert wait(1, trouble=not_told(Trouble.RATE, 20 * MINUTE)) == 20 * MINUTE


def test_settings_that_are_wrong_are_not_tried_often() -> None:
    assert wait_after(not_told(Trouble.SETTINGS), 1, 0.0) == 15 * MINUTE


def test_a_latch_that_falls_again_is_another_incident() -> None:
    assert incident_of("emergency", NOW) != incident_of("emergency", NOW + 1) != incident_of("model:m", NOW + 1)


def test_a_guardian_without_a_way_has_nobody_to_tell() -> None:
    assert Guardian(name="@octocat").audience == Audience(channels=(), name="@octocat")


def test_keys_do_not_show() -> None:
    way = GithubWay(api="https://a", repo="a/b", token="the-token", assignee=None, labels=())
    guardian = Guardian(github=way, webhook=WebhookWay(address="https://hooks/the-key"))
    assert guardian.audience.channels == (Channel.GITHUB, Channel.WEBHOOK)
    assert "the-token" not in repr(guardian)
    assert "the-key" not in repr(guardian)
    for body in (issue_body(a_notice(), guardian), json.dumps(webhook_body(a_notice(), guardian))):
        assert "the-token" not in body
        assert "the-key" not in body


def test_an_issue_says_what_when_where_and_what_to_do() -> None:
    guardian = Guardian(name="@octocat", workshop={"host": "h", "home": "/var/koubou"})
    notice = a_notice("model_frozen", key="model:gpt-5", reason="billed $2.00 for a hold of $1.00", tier="high")
    body = issue_body(notice, guardian)
    assert title(notice, guardian) == "Koubou: a model is frozen (model:gpt-5) on h, 2027-01-15 08:00 UTC"
    assert body.startswith("@octocat, the workshop (host `h`, home `/var/koubou`) tells of: **a model is frozen**")
    for part in (
        "billed $2.00 for a hold of $1.00",
        "* tier: `high`",
        "koubou budget status",
        "budget resume --reason",
    ):
        assert part in body
    assert body.rstrip().endswith(marker_line("01JM"))


def test_what_this_version_has_no_words_for_is_told_all_the_same() -> None:
    notice = a_notice("sky_fallen", count=3, billed_nusd=2_500_000_000)
    assert "sky fallen" in title(notice, Guardian())
    assert "* count: `3`" in issue_body(notice, Guardian())
    assert "* billed: $2.50" in issue_body(notice, Guardian())


def test_an_odd_name_mentions_nobody() -> None:
    assert issue_body(a_notice(), Guardian(name="@not a login")).startswith("the workshop")
