"""The month's limit holds when much more is asked than it can bear, and what it has is used."""

from __future__ import annotations

import time
from typing import Any

from simulator import Simulator
from workshop import OpenWorkshop, Workshop, a_tier

DOLLAR = 1_000_000_000


def with_one_cloud_tier(provider: Simulator, usd: float, **changes: Any) -> dict[str, Any]:
    """Settings of a workshop with one dear tier, the free local one, and so much money a month."""
    dear = {"price": {"input": 10, "output": 100}, **changes}
    return {
        "tiers": {
            "dear": a_tier(provider, "cloud", "gpt-dear", **dear),
            "local": a_tier(provider, "house", "house-model"),
        },
        "routing": {"high": "dear", "medium": "dear", "low": "local"},
        "budget": {"monthly": {"usd": usd}, "daily": {"usd": None}},
    }


def test_a_month_of_one_dollar_is_spent_but_never_passed(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    """Each answer costs half a cent, so all 500 would cost $2.50; a hold whose cap is not lowered is 20 cents."""
    provider.behave(latency_ms=15, output_tokens=50)
    workshop = open_workshop(**with_one_cloud_tier(provider, 1, concurrency=64)).start()
    free = {f"free-{n}" for n in range(20)}
    dear = {f"dear-{n}" for n in range(500)}
    workshop.drop_all({f"{task}.yaml": {"id": task, "prompt": "Say.", "tier": "dear"} for task in dear})
    workshop.drop_all({f"{task}.yaml": {"id": task, "prompt": "Say.", "tier": "local"} for task in free})

    bill = watch_the_bill(provider, below=DOLLAR)

    assert 0.7 * DOLLAR <= bill["nusd"] <= DOLLAR
    assert bill["peak"] > 1
    workshop.wait_until(lambda: free <= workshop.completed, "the free local tasks to go on")
    assert workshop.failed == set()
    waiting = sorted(dear - workshop.completed)
    assert waiting
    for task in waiting[:: len(waiting) // 5]:
        shown = workshop.show(task)
        assert (shown["status"], shown["park"]["reason"]) == ("pending", "budget")
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]
    assert workshop.held() == {}
    assert not workshop.status()["emergency"]


def test_parked_tasks_go_on_when_the_limit_is_raised(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    workshop = open_workshop(**with_one_cloud_tier(provider, 0.04)).start()
    spend(workshop, provider)
    workshop.drop("wait.yaml", {"id": "wait", "prompt": "Hello", "tier": "dear"})
    assert workshop.wait_for_park("wait", "budget")["park"]["until"]
    workshop.settings["budget"]["monthly"] = {"usd": 1}
    workshop.reload()
    workshop.output("wait")


def test_the_cap_is_lowered_to_what_is_left_before_a_task_is_parked(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    workshop = open_workshop(**with_one_cloud_tier(provider, 0.06)).start()
    spend(workshop, provider)
    provider.behave(output_tokens=2_000)
    workshop.drop("less.yaml", {"id": "less", "prompt": "Hello", "tier": "dear"})
    assert 100 <= workshop.output("less")["usage"]["output_tokens"] < 300
    assert provider.bill()["usd"] <= 0.06


def test_what_no_month_could_bear_is_refused_at_once(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    workshop = open_workshop(**with_one_cloud_tier(provider, 0.04, min_output_tokens=2_000)).start()
    workshop.drop("never.yaml", {"id": "never", "prompt": "Hello", "tier": "dear"})
    error = workshop.error("never")["error"]
    assert error["class"] == "budget"
    assert not error["retryable"]
    assert provider.bill()["calls"] == 0


def spend(workshop: Workshop, provider: Simulator) -> None:
    """Spend some 3 cents."""
    provider.behave(output_tokens=300)
    workshop.drop("spend.yaml", {"id": "spend", "prompt": "Hello", "tier": "dear", "max_output_tokens": 300})
    workshop.output("spend")
    assert provider.bill()["usd"] > 0.03


def watch_the_bill(provider: Simulator, *, below: int) -> dict[str, Any]:
    """The bill when no call has come for three seconds; at no time is it above the limit."""
    bill = provider.bill()
    quiet_since = time.monotonic()
    deadline = quiet_since + 120
    while time.monotonic() < deadline:
        newer = provider.bill()
        assert newer["nusd"] <= below
        if newer["calls"] != bill["calls"] or newer["in_flight"] or not newer["models"].get("gpt-dear"):
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > 3:
            break
        bill = newer
        time.sleep(0.02)
    return bill
