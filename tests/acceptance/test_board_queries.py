"""The queries that people and their scripts have work as they stand, and say what happened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simulator import Simulator
from workshop import Workshop

WORKERS = "SELECT worker_type, status, COUNT(*) FROM workers GROUP BY worker_type, status;"
TASKS = (
    "SELECT status, difficulty_level, COUNT(*) FROM task_master "
    "WHERE created_at > datetime('now','-24 hours') GROUP BY status, difficulty_level;"
)
SPENT = (
    "SELECT SUM(cost_usd), COUNT(*), AVG(total_tokens) FROM cost_tracking "
    "WHERE timestamp > datetime('now','-24 hours');"
)
BUDGET = (
    "SELECT budget_limit_usd, spent_usd, remaining_usd FROM budget_management "
    "WHERE year_month = strftime('%Y-%m','now');"
)
MONTH = (
    "SELECT operation, SUM(cost_usd), COUNT(*) FROM monthly_usage "
    "WHERE month = strftime('%Y-%m','now') GROUP BY operation;"
)
COLUMNS = {
    "task_master": "task_id task_type difficulty_level sensitivity_level assigned_worker_type status priority "
    "estimated_tokens actual_tokens estimated_cost actual_cost parent_task_id created_at updated_at",
    "cost_tracking": "tracking_id task_id worker_type model_name prompt_tokens completion_tokens total_tokens cost_usd "
    "timestamp",
    "budget_management": "budget_id year_month budget_limit_usd spent_usd remaining_usd alert_threshold_percent "
    "created_at",
    "workers": "worker_id worker_type model_name api_endpoint process_id status capabilities rate_limit_remaining "
    "rate_limit_reset_at last_heartbeat created_at",
    "monthly_usage": "id month operation cost_usd tokens_used model created_at",
    "budget_config": "id monthly_budget_usd warning_threshold emergency_threshold last_updated",
}


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    """Three high tasks in the cloud, two low ones in the house."""
    with Simulator() as provider, Workshop(provider) as workshop:
        workshop.start()
        for number in range(3):
            task = {"prompt": "Hello", "difficulty": "high", "type": "code_review", "parent": "epic"}
            workshop.drop(f"high-{number}.yaml", {"id": f"high-{number}", **task})
        for number in range(2):
            task = {"prompt": "Hello", "difficulty": "low", "type": "documentation"}
            workshop.drop(f"low-{number}.yaml", {"id": f"low-{number}", **task})
        workshop.wait_for_ends(5)
        yield workshop


def test_tasks_by_status_and_difficulty(shop: Workshop) -> None:
    assert sorted(shop.sql(TASKS)) == [("completed", "high", 3), ("completed", "low", 2)]


def test_what_was_spent(shop: Workshop) -> None:
    bill = shop.provider.bill()
    spent, calls, tokens = shop.sql(SPENT)[0]
    assert spent == pytest.approx(bill["usd"], abs=1e-9)
    assert calls == 5
    assert tokens == pytest.approx((bill["input_tokens"] + bill["output_tokens"]) / 5)


def test_what_is_left_of_the_month(shop: Workshop) -> None:
    limit, spent, remaining = shop.sql(BUDGET)[0]
    assert limit == 1000
    assert spent == pytest.approx(shop.provider.bill()["usd"], abs=1e-9)
    assert remaining == pytest.approx(limit - spent, abs=1e-9)


def test_what_the_month_was_spent_on(shop: Workshop) -> None:
    rows = {operation: (spent, count) for operation, spent, count in shop.sql(MONTH)}
    assert sum(count for _, count in rows.values()) == 5
    assert sum(spent for spent, _ in rows.values()) == pytest.approx(shop.provider.bill()["usd"], abs=1e-9)


def test_the_crew_at_work_and_gone(shop: Workshop) -> None:
    rows = shop.sql(WORKERS)
    assert {worker_type for worker_type, _, _ in rows} == {"gpt5_high", "local"}
    assert {status for _, status, _ in rows} <= {"idle", "busy", "offline", "error", "rate_limited"}


@pytest.mark.parametrize("view", COLUMNS)
def test_a_view_has_the_columns_that_scripts_know(shop: Workshop, view: str) -> None:
    columns = [row[1] for row in shop.sql(f"PRAGMA table_info({view})")]
    assert columns == COLUMNS[view].split()


def test_times_read_as_sqlite_writes_them(shop: Workshop) -> None:
    for view, column in (("task_master", "created_at"), ("cost_tracking", "timestamp"), ("workers", "created_at")):
        for (text,) in shop.sql(f"SELECT {column} FROM {view}"):
            assert shop.sql("SELECT datetime(?)", text) == [(text,)]
