"""A tier of Anthropic's API: the same promises of money and secrets as with any other."""

from __future__ import annotations

import json
from typing import Any

from simulator import Simulator
from workshop import OpenWorkshop, Workshop, a_tier

MODEL = "claude-small"
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def settings(provider: Simulator, **budget: Any) -> dict[str, Any]:
    price = {"input": 3, "output": 15, "cached_input": 0.3}
    claude = {**a_tier(provider, "cloud", MODEL, price=price), "provider": "anthropic", "executor": "messages"}
    return {
        "tiers": {
            "claude": claude,
            "local": a_tier(provider, "house", "house-model"),
        },
        "routing": {"high": "claude", "medium": "claude", "low": "local"},
        "budget": {"monthly": {"usd": 50}, "daily": {"usd": None}, **budget},
    }


def test_the_ledger_is_the_bill_and_the_bill_stays_below_the_limit(open_workshop: OpenWorkshop) -> None:
    with Simulator({MODEL: {"input": 3, "output": 15, "cached_input": 0.3}}) as provider:
        provider.behave(output_tokens=400, cached_tokens=2, errors={"rate_silent": 0.1, "server": 0.1}, latency_ms=10)
        workshop = open_workshop(**settings(provider, monthly={"usd": 0.5})).start()
        asked = {f"a{number}" for number in range(120)}
        workshop.drop_all({f"{name}.yaml": {"id": name, "prompt": "Say.", "tier": "claude"} for name in asked})
        workshop.wait_until(lambda: has_come_to_rest(workshop, len(asked)), "what the month cannot bear to wait", 60)
        assert 0.35e9 <= provider.bill()["nusd"] <= 0.5e9
        assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]
        assert workshop.held() == {}
        assert workshop.failed == set()


def test_a_secret_is_answered_in_the_house_and_a_schema_is_met(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    workshop = open_workshop(**settings(provider)).start()
    workshop.drop("s.yaml", {"id": "s", "prompt": "db_password = 'Tr0ub4dor-planted-9'", "tier": "claude"})
    provider.behave(model=MODEL, answer='{"n": 3}')
    workshop.drop("q.yaml", {"id": "q", "prompt": "How many?", "tier": "claude", "response_format": SCHEMA})
    shaped = workshop.output("q")
    assert (json.loads(shaped["answer"]), shaped["executor"], shaped["model"]) == ({"n": 3}, "messages", MODEL)
    assert workshop.output("s")["tier"] == "local"
    [asked] = provider.requests("cloud")
    assert "planted" not in provider.received("cloud")
    body = json.loads(asked["body"])
    assert (body["service_tier"], "response_format" in body) == ("standard_only", False)
    assert body["messages"][0]["content"].startswith("How many?\n\nAnswer as JSON by schema: {")
    provider.behave(model=MODEL, answer="three")
    workshop.drop("poor.yaml", {"id": "poor", "prompt": "How many?", "tier": "claude", "response_format": SCHEMA})
    assert workshop.output("poor")["missing"] == ["response_format"]


def has_come_to_rest(workshop: Workshop, asked: int) -> bool:
    waiting = workshop.sql("SELECT park FROM task WHERE status <> 'completed'")
    is_parked = bool(waiting) and {park for (park,) in waiting} == {"budget"}
    return is_parked and len(workshop.completed) + len(waiting) == asked
