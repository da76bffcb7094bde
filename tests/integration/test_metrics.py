"""The metrics of a workshop on a real board in memory: they add up, are bounded, and tell no word of a task."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from promtool import needs_promtool, promtool

from koubou.board.counts import SQL
from koubou.board.reading import Reading
from koubou.journal import Journal
from koubou.master.figures import Figures
from koubou.model.budget import Limits
from koubou.model.call import Bill, ErrorClass, Usage
from koubou.model.circuit import CircuitState
from koubou.model.deed import Say
from koubou.model.instant import MINUTE, SECOND
from koubou.model.money import USD
from koubou.window.figures import ALL
from koubou.window.metrics import exposition
from tests.builders import NOW, a_budget, a_new_task, a_secret, a_tier, an_error, tiers
from tests.turns import Workshop

WORKSHOP: Any = SimpleNamespace(layout=SimpleNamespace(home="/"), intake=SimpleNamespace(min_free_disk=7))
Labels = dict[str, str]


class Watched(Workshop):
    """A workshop whose events are counted, and whose state is told, as the master does both."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        self.journal = Journal(stream=io.StringIO())
        self.figures = Figures(self.journal, lambda: WORKSHOP)

    def turn(self, *heard: Any) -> dict[int, Any]:
        with self.figures.turn():
            replies = super().turn(*heard)
        for deed in self.deeds:
            if isinstance(deed, Say):
                self.journal.say(deed.event, deed.level, **deed.fields)
        return replies

    def state(self) -> dict[str, Any]:
        """As it comes over the control socket."""
        tier = {"breaker": CircuitState.CLOSED, "unfit": None, "places": 32}
        said = {"tiers": dict.fromkeys(self.tiers, tier), "draining": False, "uptime_ms": 5_000}
        found: dict[str, Any] = json.loads(json.dumps({**said, **self.figures.shape()}))
        return found

    def told(self, *, served: bool = True) -> bytes:
        return exposition(Reading(self.board.connection), self.state() if served else None, self.now)

    def values(self, name: str, *, served: bool = True) -> dict[tuple[str, ...], float]:
        """The samples of a metric, by the values of their labels in the order of their names."""
        families = text_string_to_metric_families(self.told(served=served).decode())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in samples}


def busy() -> Watched:
    """One task of everything: answered, tried again, failed, confidential; and limits of every scope."""
    limits = Limits(usd=USD, tokens=10**9, calls=10**6)
    budget = a_budget(daily=USD, tiers={"medium": limits}, models={"model-of-medium": limits}, submitter=limits)
    found = Watched(budget=budget)
    found.drop(a_new_task("done"))
    found.now += 2 * SECOND
    found.start("done")
    usage = Usage(
        input_tokens=100, output_tokens=50, cached_input_tokens=30, cache_write_tokens=20, reasoning_tokens=40
    )
    found.finish("done", usage=usage, first_token_at=NOW + 200)
    found.file()
    found.drop(a_new_task("again"))
    found.start("again")
    found.finish("again", error=an_error(ErrorClass.SERVER), bill=Bill.NONE, usage=None)
    found.drop(a_new_task("lost"))
    found.start("lost")
    found.finish("lost", error=an_error(ErrorClass.BAD_REQUEST), bill=Bill.UNKNOWN, usage=None)
    found.file()
    found.drop(a_new_task("secret", findings=(a_secret(),)))
    return found


def test_tasks_runs_and_calls_are_counted_by_category() -> None:
    workshop = busy()
    tasks = workshop.values("koubou_tasks")
    assert tasks["completed", "medium"] == 1
    assert sum(tasks.values()) == 4
    assert workshop.values("koubou_tasks_ended_total")["completed", "medium", "general"] == 1
    assert workshop.values("koubou_tasks_classified_total")["medium", "confidential"] == 1
    assert workshop.values("koubou_runs_ended_total")["chat", "answered", "medium"] == 1
    assert workshop.values("koubou_retries_total") == {("server", "medium"): 1}
    calls = workshop.values("koubou_calls_total")
    assert (calls["settled", "medium"], calls["released", "medium"], calls["unreconciled", "medium"]) == (1, 1, 1)
    assert workshop.values("koubou_places_taken")["medium",] >= 0


def test_each_token_is_of_one_kind() -> None:
    found = busy().values("koubou_tokens_total")
    kinds = {"input": 50, "cached_input": 30, "cache_write": 20, "output": 10, "reasoning": 40}
    assert found == {(kind, "medium"): count for kind, count in kinds.items()}


def test_waiting_running_and_the_first_token_are_spread_over_buckets() -> None:
    workshop = busy()
    assert workshop.values("koubou_run_seconds_count")["chat", "medium"] == 3
    assert workshop.values("koubou_run_seconds_sum")["chat", "medium"] == 3
    assert workshop.values("koubou_first_token_seconds_sum")["medium",] == pytest.approx(0.2)
    assert workshop.values("koubou_first_token_seconds_bucket")["0.25", "medium"] == 1
    assert workshop.values("koubou_wait_seconds_count")["medium",] == 3
    assert workshop.values("koubou_turn_seconds_count")[()] > 5


def test_a_task_has_waited_since_it_could_begin() -> None:
    workshop = Watched(benches=[])
    workshop.drop(a_new_task())
    workshop.now += 7 * SECOND
    assert workshop.values("koubou_queue_tasks")["medium",] == 1
    assert workshop.values("koubou_queue_first_wait_seconds") == {("medium",): 7, ("high",): 0, ("local",): 0}
    workshop.benches = Workshop().benches
    workshop.turn()
    assert workshop.values("koubou_wait_seconds_sum")["medium",] == 7


def test_the_money_of_each_account_is_told_in_dollars_and_a_restart_changes_nothing() -> None:
    workshop = busy()
    month = workshop.month()
    for served in (True, False):
        assert workshop.values("koubou_account_limit_usd", served=served)["", "month"] == 1
        for word in ("settled", "held", "unreconciled", "over"):
            found = workshop.values(f"koubou_account_{word}_usd", served=served)
            assert found["", "month"] == pytest.approx(getattr(month, word) / USD)
            assert set(found) == {("", "month"), ("", "day"), ("medium", "tier"), ("model-of-medium", "model")}
    assert workshop.values("koubou_account_unreconciled_usd")["", "month"] > 0
    assert workshop.values("koubou_account_warn_ratio")["", "month"] == pytest.approx(0.8)
    assert workshop.values("koubou_account_limit_calls")["medium", "tier"] == 10**6
    assert workshop.values("koubou_submitter_limits")[()] == 3


def test_a_window_that_is_over_is_not_told() -> None:
    workshop = busy()
    workshop.now += 40 * 24 * 60 * MINUTE
    assert workshop.values("koubou_account_limit_usd") == {}


def test_who_waits_for_a_limit_is_told_by_its_scope() -> None:
    workshop = Watched(tiers=tiers(a_tier("medium", fallback=None)))
    workshop.turn()
    workshop.board.ledger.count(workshop.month().key, USD)
    workshop.drop(a_new_task(tier="medium"))
    assert workshop.values("koubou_tasks_parked")["budget",] == 1
    assert workshop.values("koubou_tasks_over_limit") == {
        (scope,): float(scope == "month") for scope in ("month", "day", "tier", "model", "submitter", "session", "task")
    }


def test_what_is_stopped_is_told_by_kind_and_never_by_reason() -> None:
    workshop = Watched()
    workshop.board.crew.latch("emergency", "a person's own words", workshop.now)
    workshop.board.crew.latch("model:model-of-high", "it billed too much", workshop.now)
    workshop.board.crew.latch("model:other", "it billed too much", workshop.now)
    assert workshop.values("koubou_latches") == {
        ("emergency",): 1,
        ("model",): 2,
        ("key",): 0,
        ("pause",): 0,
        ("tier",): 0,
    }
    assert b"own words" not in workshop.told()


def test_what_is_owed_is_told_with_its_age() -> None:
    workshop = Watched()
    workshop.drop(a_new_task())
    workshop.start()
    workshop.finish()
    workshop.now += 90 * SECOND
    assert workshop.values("koubou_owed_deeds")["filing",] == 1
    assert workshop.values("koubou_owed_oldest_seconds")["filing",] == 90
    workshop.file()
    assert workshop.values("koubou_owed_deeds")["filing",] == 0


def test_without_a_master_the_board_still_tells() -> None:
    workshop = busy()
    assert workshop.values("koubou_master_up", served=False) == {(): 0}
    assert sum(workshop.values("koubou_tasks", served=False).values()) == 4
    for name in ("koubou_places", "koubou_workers", "koubou_draining", "koubou_turn_seconds_count"):
        assert workshop.values(name, served=False) == {}, name


def test_a_master_of_another_version_tells_what_it_knows() -> None:
    workshop = busy()
    state = workshop.state()
    state["counts"] |= {"koubou_retries_total": [[["one", "two", "three"], 1]], "koubou_news_total": [[["x"], 1]]}
    state["spreads"]["koubou_turn_seconds"] = [[[], [1, 2, 3], 4.0]]
    del state["disk"], state["intake_paused"], state["journal_dropped"]
    told = exposition(Reading(workshop.board.connection), state, workshop.now).decode()
    assert "koubou_retries_total{" not in told
    assert "koubou_turn_seconds_count" not in told
    assert "koubou_news" not in told
    assert "koubou_intake_paused 0.0" in told


def test_every_metric_is_one_that_the_reference_has_with_its_labels() -> None:
    known = {figure.name.removesuffix("_total"): figure for figure in ALL}
    assert len(known) == len(ALL)
    for family in text_string_to_metric_families(busy().told().decode()):
        figure = known[family.name]
        assert (family.type, family.documentation) == (str(figure.kind), figure.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(figure.labels), sample
        del known[family.name]
    # No crew stands on this board, and nobody has had to be told of anything.
    assert set(known) == {"koubou_workers"}


@needs_promtool
def test_promtool_finds_nothing_to_say_against_the_metrics() -> None:
    promtool("check", "metrics", told=busy().told())


def test_workers_are_counted_by_tier_and_status() -> None:
    workshop = Watched()
    for name, ended in (("a", "NULL"), ("b", "NULL"), ("c", str(NOW))):
        workshop.board.connection.execute(
            "INSERT INTO worker (id, tier, model, endpoint, executor, pid, born, boot, status, last_beat, created_at, "
            f"ended_at) VALUES ('{name}', 'local', 'm', 'e', 'chat', 1, 1, 'b', 'idle', 1, 1, {ended})"
        )
    assert workshop.values("koubou_workers") == {("idle", "local"): 2}


def test_no_word_of_a_task_or_a_person_is_told() -> None:
    planted = ("planted-id", "planted title", "planted prompt", "planted-session", "planted-path", "54321")
    workshop = Watched(budget=a_budget(session=Limits(usd=USD), submitter=Limits(usd=USD), task=USD))
    named = {"title": "planted title", "prompt": "planted prompt", "session": "planted-session", "owner": 54_321}
    workshop.drop(a_new_task("planted-id", **named))
    workshop.start("planted-id")
    workshop.finish("planted-id", error=an_error(message="planted prompt", code="planted-path"))
    workshop.ask("pause", reason="planted prompt")
    told = workshop.told().decode()
    assert 'koubou_retries_total{reason="server"' in told
    assert [word for word in planted if word in told] == []


def test_more_tasks_sessions_and_submitters_make_no_more_series() -> None:
    workshop = Watched(budget=a_budget(session=Limits(usd=USD), submitter=Limits(usd=USD), task=USD))

    def series() -> int:
        return sum(not line.startswith("#") for line in workshop.told().decode().splitlines())

    workshop.drop(a_new_task("first", session="s"))
    before = series()
    for number in range(10):
        workshop.drop(a_new_task(f"task-{number}", session=f"session-{number}", owner=2_000 + number))
    assert series() == before
    assert workshop.values("koubou_submitter_limits")[()] == 11


@pytest.mark.parametrize(
    ("name", "indexes"),
    [
        ("tasks", ["COVERING INDEX task_by_tier"]),
        ("first_in_line", ["INDEX task_queue"]),
        ("without_money", ["INDEX task_breached"]),
        ("owed", ["INDEX task_to_be_filed", "INDEX notice_owed", "INDEX run_owed", "INDEX task_removal"]),
    ],
)
def test_a_hundred_thousand_tasks_are_counted_by_index(name: str, indexes: list[str]) -> None:
    values = {"tier": "local", "now": NOW}
    plan = Workshop().board.connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", values).fetchall()
    told = " ".join(row["detail"] for row in plan)
    assert [index for index in indexes if index not in told] == []
