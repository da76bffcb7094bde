"""What the guardian is owed stands on the board with the latch that it is about, once, until it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koubou.model.call import Usage
from koubou.model.deed import Say, TellGuardian
from koubou.model.heard import NoticeFailed, NoticeTold
from koubou.model.instant import MINUTE
from koubou.model.notice import Audience, Channel, Notice, NotTold, Told, Trouble
from tests.builders import NOW, a_new_task
from tests.turns import Workshop

CANARY = "canary-Zitronenfalter"
BOTH = Audience(channels=(Channel.GITHUB, Channel.WEBHOOK), name="@octocat")


@pytest.fixture
def shop() -> Workshop:
    """A workshop with a guardian."""
    return Workshop(audience=BOTH)


def owed(shop: Workshop, channel: Channel = Channel.GITHUB) -> list[Notice]:
    """What is owed by this way, the oldest first."""
    rows = shop.board.connection.execute(
        "SELECT * FROM notice WHERE told_at IS NULL AND channel = ? ORDER BY at", (channel,)
    )
    names = ("incident", "marker", "kind", "at", "tries", "begun_at")
    return [
        Notice(channel=channel, facts=json.loads(row["facts"]), **{name: row[name] for name in names}) for row in rows
    ]


def lines(shop: Workshop, event: str) -> list[Say]:
    """What the last turn says of an event."""
    return [deed for deed in shop.deeds if isinstance(deed, Say) and deed.event == event]


def told(notice: Notice, **how: Any) -> NoticeTold:
    return NoticeTold(incident=notice.incident, channel=notice.channel, tries=1, how=Told(**how))


def failed(notice: Notice, trouble: Trouble = Trouble.NETWORK, **why: Any) -> NoticeFailed:
    why = {"reason": "no answer came in time"} | why
    return NoticeFailed(incident=notice.incident, channel=notice.channel, tries=1, why=NotTold(trouble=trouble, **why))


def test_an_emergency_owes_one_notice_by_each_way(shop: Workshop) -> None:
    shop.ask("latch", reason="SIGUSR2")
    assert any(isinstance(deed, TellGuardian) for deed in shop.deeds)
    for channel in Channel:
        [notice] = owed(shop, channel)
        assert notice.kind == "emergency"
        assert notice.facts["key"] == "emergency"
        assert (notice.tries, notice.begun_at) == (0, None)
    assert len({owed(shop, channel)[0].marker for channel in Channel}) == 2


def test_a_latch_that_has_fallen_is_not_told_again(shop: Workshop) -> None:
    shop.ask("latch")
    shop.now += 1
    shop.ask("latch")
    assert len(owed(shop)) == 1
    assert not any(isinstance(deed, TellGuardian) for deed in shop.deeds)


def test_a_latch_after_a_resume_is_told_anew(shop: Workshop) -> None:
    shop.ask("latch")
    shop.turn(told(owed(shop)[0]))
    shop.now += 1
    shop.ask("resume_budget", reason="looked at it")
    shop.ask("latch")
    assert len(owed(shop)) == 1
    assert shop.board.connection.execute("SELECT COUNT(*) FROM notice").fetchone()[0] == 4


def test_a_latch_that_is_undone_owes_nothing(shop: Workshop) -> None:
    shop.board.connection.execute("DROP TABLE notice")
    reply = shop.ask("latch")
    assert reply["error"]["kind"] == "unavailable"
    assert shop.board.crew.latches() == {}


def test_a_fault_in_the_numbers_undoes_neither_latch_nor_notice(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(shop.board.notices, "standing", broken)
    shop.ask("latch")
    assert "emergency" in shop.board.crew.latches()
    [notice] = owed(shop)
    assert set(notice.facts) == {"key", "reason"}


def test_without_a_way_the_journal_says_who_should_know() -> None:
    shop = Workshop(audience=Audience(name="@octocat"))
    shop.ask("latch")
    [line] = lines(shop, "guardian.unreachable")
    assert line.level == "error"
    assert "@octocat" in line.fields["reason"]
    assert "guardian.github.repo" in line.fields["reason"]
    assert owed(shop) == []


def test_a_correction_by_the_bill_is_no_call(shop: Workshop) -> None:
    shop.drop(a_new_task("done", tier="medium"))
    shop.start("done")
    shop.finish("done", usage=Usage(input_tokens=20, output_tokens=50))
    known = shop.month().settled
    row = {"model": "model-of-medium", "hour": shop.now, "amount": known + 1}
    shop.ask("reconcile", source="export", rows=[row])
    spent = owed(shop)[0].facts["spent"]
    assert sum(line["calls"] for line in spent) == 1
    assert sum(line["nusd"] for line in spent) == known + 1


def test_the_facts_are_the_numbers_of_the_month_and_of_the_workshop(shop: Workshop) -> None:
    for name in ("done", "at-work", "waits"):
        shop.drop(a_new_task(name, tier="medium"))
        if name != "waits":
            shop.start(name)
        if name == "done":
            shop.finish(name, usage=Usage(input_tokens=20, output_tokens=50))
            shop.file()
            cost = shop.month().settled
        if name == "at-work":
            shop.benches = ()
    shop.ask("latch")
    facts = owed(shop)[0].facts
    month = shop.month()
    assert facts["month"]["name"] == "month:2027-01"
    assert facts["month"]["limit_nusd"] == month.limit
    assert facts["month"]["settled_nusd"] == month.settled == cost > 0
    assert facts["month"]["held_nusd"] == month.held > 0
    assert facts["month"]["percent"] == round(100 * cost / (month.limit or 1), 1)
    assert (facts["at_work"], facts["waiting"]) == (1, 1)
    assert facts["tasks"] == {"completed": 1, "in_progress": 1, "pending": 1}
    assert facts["spent"] == [{"tier": "medium", "model": "model-of-medium", "calls": 1, "tokens": 70, "nusd": cost}]


def test_nothing_that_a_person_wrote_is_in_a_notice(shop: Workshop) -> None:
    shop.drop(a_new_task("a-task", prompt=CANARY, title=CANARY))
    shop.start()
    shop.ask("latch", reason=CANARY)
    [notice] = owed(shop)
    assert CANARY not in json.dumps(notice.facts)
    assert notice.facts["reason"]


def test_a_model_that_bills_too_much_is_frozen_and_told_of_once(shop: Workshop) -> None:
    for name in ("first", "second"):
        shop.drop(a_new_task(name, tier="medium", title=CANARY))
        shop.start(name)
    for name in ("first", "second"):
        shop.finish(name, usage=Usage(input_tokens=20, output_tokens=5_000))
        shop.now += 1
    [notice] = owed(shop)
    assert notice.kind == "model_frozen"
    assert notice.facts["key"] == "model:model-of-medium"
    assert notice.facts["tier"] == "medium"
    assert "billed" in notice.facts["reason"]
    assert CANARY not in json.dumps(notice.facts)


def test_what_is_told_is_not_owed_any_more_and_told_in_the_journal(shop: Workshop) -> None:
    shop.ask("latch")
    [notice] = owed(shop)
    shop.turn(told(notice, issue=7))
    assert owed(shop) == []
    assert len(owed(shop, Channel.WEBHOOK)) == 1
    [line] = lines(shop, "guardian.told")
    assert (line.level, line.fields["issue"], line.fields["channel"]) == ("info", 7, "github")
    shop.turn(told(notice, issue=7))
    assert lines(shop, "guardian.told") == []


def test_what_github_did_not_take_is_said(shop: Workshop) -> None:
    shop.ask("latch")
    shop.turn(told(owed(shop)[0], issue=7, without=("assignee", "labels")))
    [line] = lines(shop, "guardian.told")
    assert line.level == "warning"
    assert "assignee and the labels" in line.fields["reason"]


def test_a_failure_is_said_with_its_remedy_and_tried_again_later(shop: Workshop) -> None:
    shop.ask("latch")
    [notice] = owed(shop)
    shop.turn(failed(notice, Trouble.SETTINGS, reason="GitHub answered 401", remedy="make a new token"))
    [line] = lines(shop, "guardian.unreachable")
    assert line.level == "error"
    assert line.fields["remedy"] == "make a new token"
    assert line.fields["until"] == NOW + 15 * MINUTE
    assert shop.board.notices.due(Channel.GITHUB, NOW + 15 * MINUTE - 1) is None
    assert shop.board.notices.due(Channel.GITHUB, NOW + 15 * MINUTE) is not None


def test_a_reload_tries_at_once_what_the_settings_hindered_and_nothing_else(shop: Workshop) -> None:
    shop.ask("latch")
    github, webhook = owed(shop)[0], owed(shop, Channel.WEBHOOK)[0]
    shop.turn(failed(github, Trouble.SETTINGS), failed(webhook, Trouble.RATE, wait=10 * MINUTE))
    shop.board.notices.hurry(NOW + 1)
    assert shop.board.notices.due(Channel.GITHUB, NOW + 1) is not None
    assert shop.board.notices.due(Channel.WEBHOOK, NOW + 1) is None


def test_a_late_failure_does_not_make_what_was_told_owed_again(shop: Workshop) -> None:
    shop.ask("latch")
    [notice] = owed(shop)
    shop.turn(told(notice), failed(notice))
    assert owed(shop) == []
    assert lines(shop, "guardian.unreachable") == []
