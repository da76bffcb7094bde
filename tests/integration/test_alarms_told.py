"""Alarms of people, from what they did to what the guardian reads: repeated refusals, unusual spending."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from builders import NOW, a_budget, a_new_task, a_price, a_tier
from recorder import TOKEN, Recorder
from turns import Workshop

from koubou.model.access import Caller, Role
from koubou.model.call import Usage
from koubou.model.heard import SpendDue
from koubou.model.instant import DAY, HOUR, iso
from koubou.model.money import USD
from koubou.model.notice import Audience, Channel, GithubWay, Guardian, Notice, Told, WebhookWay
from koubou.notices.deliver import deliver
from koubou.rules.alarms import MOST_REFUSED

KIM, LEE = 1001, 1002
CANARY = "canary-Zitronenfalter"
BOTH = Audience(channels=(Channel.GITHUB, Channel.WEBHOOK), name="@octocat")
DEAR = {"medium": a_tier("medium", price=a_price(0, 1000))}
"""A dollar for a thousand tokens of answer."""


@pytest.fixture
def shop() -> Workshop:
    return Workshop(tiers=DEAR, budget=a_budget(monthly=10_000 * USD), audience=BOTH)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def spend(shop: Workshop, task: str, tokens: int, owner: int = KIM, **asked: Any) -> None:
    """A task whose one call is held for and settled."""
    shop.drop(a_new_task(task, owner=owner, tier="medium", title=CANARY, **asked))
    shop.finish(task, usage=Usage(input_tokens=0, output_tokens=tokens))
    shop.file()


def on_days(shop: Workshop, amounts: list[int], owner: int = KIM) -> None:
    """One task on each day, the last of which is the day that it is now."""
    begun = shop.now
    for day, tokens in enumerate(amounts):
        shop.now = begun + day * DAY
        spend(shop, f"of-{owner}-{day}", tokens, owner)


def look(shop: Workshop) -> list[tuple[str, str]]:
    """The alarms of spending in the history, after the master has looked."""
    shop.turn(SpendDue())
    rows = shop.board.connection.execute("SELECT actor, reason FROM history WHERE event = 'spend.alarm' ORDER BY id")
    return [tuple(row) for row in rows]


def owed(shop: Workshop, channel: Channel) -> list[Notice]:
    found = []
    while (notice := shop.board.notices.due(channel, shop.now)) is not None:
        found.append(notice)
        with shop.board.transaction():
            shop.board.notices.begun(notice.incident, channel, shop.now, shop.now + DAY)
    return found


def test_who_spends_six_usual_days_in_one_is_told_of_once_and_nobody_else(shop: Workshop) -> None:
    on_days(shop, [200, 300, 200, 1_300])
    shop.now = NOW
    on_days(shop, [1_300, 1_200, 1_300, 1_300], LEE)
    wanted = [("koubou", f"uid {KIM} has spent $1.30 today, more than five times his usual day")]
    assert look(shop) == wanted
    shop.now += HOUR
    spend(shop, "still-more", 500)
    assert look(shop) == wanted, "once a day"
    assert [notice.kind for notice in owed(shop, Channel.WEBHOOK)] == ["unusual_spend"]


@pytest.mark.parametrize(
    ("amounts", "why"),
    [
        ([200, 200, 1_300], "two days are no custom"),
        ([100, 100, 100, 900], "less than a dollar is little"),
        ([200, 300, 300, 1_400], "not five times as much"),
    ],
)
def test_what_is_not_unusual_is_not_told(shop: Workshop, amounts: list[int], why: str) -> None:
    on_days(shop, amounts)
    assert look(shop) == [], why


def test_what_is_only_held_is_not_spent(shop: Workshop) -> None:
    on_days(shop, [200, 200, 200])
    shop.now += DAY
    shop.drop(a_new_task("at-work", owner=KIM, tier="medium", max_output_tokens=1_900))
    assert shop.month().held >= USD
    assert look(shop) == []
    shop.finish("at-work", usage=Usage(input_tokens=0, output_tokens=1_900))
    assert len(look(shop)) == 1


def test_looking_again_counts_no_line_of_the_ledger_twice(shop: Workshop) -> None:
    on_days(shop, [200, 200, 200])
    for _ in range(5):
        shop.turn(SpendDue())
    shop.now += DAY
    spend(shop, "today", 900)
    for _ in range(5):
        assert look(shop) == []


def told(shop: Workshop, recorder: Recorder) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What the guardian reads: the issue's title and body, and the webhook's post."""
    github = GithubWay(api=recorder.address, repo="octo/workshop", token=TOKEN, assignee=None, labels=("koubou",))
    guardian = Guardian(github=github, webhook=WebhookWay(address=recorder.webhook), name="@octocat")
    for channel in Channel:
        (notice,) = owed(shop, channel)
        assert isinstance(deliver(guardian, notice), Told)
    (issue,), (post,) = recorder.issues, recorder.posts
    said = io.StringIO()
    print(issue, post, file=said)
    assert CANARY not in said.getvalue()
    return issue["title"], issue, post


def test_the_guardian_reads_who_spends_how_much_and_where_to_look(shop: Workshop, recorder: Recorder) -> None:
    on_days(shop, [200, 200, 200, 1_300])
    look(shop)
    title, issue, post = told(shop, recorder)
    moment = iso(shop.now)[:16].replace("T", " ")
    assert title == f"Koubou: somebody spends far more than usual (spend:uid {KIM}), {moment} UTC"
    for words in ("Nothing was stopped.", "today: $1.30", "koubou audit list --since 1d", "closing this issue changes"):
        assert words in issue["body"]
    assert "budget resume" not in issue["body"]
    assert (post["kind"], post["facts"]["today_nusd"]) == ("unusual_spend", 13 * USD // 10)
    assert "To see more: koubou audit list --since 1d" in post["text"]


def test_the_guardian_reads_who_is_refused_and_how_often(shop: Workshop, recorder: Recorder) -> None:
    shop.drop(a_new_task("hers", owner=LEE, tier="medium", title=CANARY))
    caller = Caller(actor="kim", role=Role.SUBMITTER, uid=KIM, source="api 10.0.0.7")
    for _ in range(MOST_REFUSED):
        shop.ask_as(caller, "latch", reason=CANARY)
    title, issue, post = told(shop, recorder)
    assert title.startswith("Koubou: somebody is refused again and again (access:kim)")
    for words in ("Nothing was stopped.", f"refused: `{MOST_REFUSED}`", "tasks at work: 1", "security.roles"):
        assert words in issue["body"]
    assert (post["kind"], post["facts"]["refused"]) == ("refused_access", MOST_REFUSED)
    assert post["facts"]["reason"] == f"kim was refused {MOST_REFUSED} times within 10 minutes"


def test_without_a_limit_of_the_month_nobody_is_told_of_money(shop: Workshop) -> None:
    shop.budget = a_budget(monthly=None)
    on_days(shop, [200, 200, 200, 1_300])
    assert look(shop) == []
