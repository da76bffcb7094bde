"""An outage of the cloud: nothing is lost, secrets stay, each change is told once, the ledger is as the bill."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from simulator import Simulator
from workshop import OpenWorkshop, Workshop, a_tier

SECRET = "db_password = 'Tr0ub4dor-planted-9'"
MODEL = "gpt-5"


def settings(provider: Simulator, *, fallback: str | None = "local", **tier: Any) -> dict[str, Any]:
    """A cloud tier, which is looked at again soon when it is down, and a local one."""
    quick = {"retry_delay": "50ms", "retries": 20, "fallback": fallback, "concurrency": 8}
    return {
        "tiers": {
            "cloud": a_tier(provider, "cloud", MODEL, **quick | tier),
            "local": a_tier(provider, "house", "house-model"),
        },
        "routing": {"high": "cloud", "medium": "cloud", "low": "local"},
        "breaker": {"wait": "300ms", "longest_wait": "300ms"},
    }


def a_task(name: str, **asked: Any) -> Mapping[str, Any]:
    return {
        "id": name,
        "prompt": "Compare two ways to sort.",
        "difficulty": "medium",
        "max_output_tokens": 300,
        **asked,
    }


def drop(workshop: Workshop, *names: str, **asked: Any) -> None:
    workshop.drop_all({f"{name}.yaml": a_task(name, **asked) for name in names})


def told(workshop: Workshop, event: str, tier: str = "cloud") -> int:
    return len(list(workshop.events(event, tier=tier)))


def wait_for_all(workshop: Workshop, names: set[str]) -> None:
    workshop.wait_until(lambda: names <= workshop.completed, f"{len(names)} answers", within=20, every=0.05)
    assert workshop.failed == set()


def tier_of(workshop: Workshop, name: str) -> str:
    return str(workshop.output(name)["tier"])


@pytest.fixture
def house() -> Any:
    with Simulator({"house-model": {}}) as house:
        yield house


def test_an_outage_loses_nothing_tells_once_and_ends_step_by_step(
    open_workshop: OpenWorkshop, provider: Simulator, house: Simulator
) -> None:
    plan = settings(provider)
    plan["tiers"]["local"] = a_tier(house, "house", "house-model")
    plan["routing"]["on_lesser_tier"] = {"bug_fix": "defer"}
    workshop = open_workshop(**plan).start()
    drop(workshop, "before")
    assert tier_of(workshop, "before") == "cloud"

    provider.end()  # what comes meanwhile falls back, stays, or waits for the cloud as its type says
    names = {"before"}
    for name in ("a", "b", "c", "d", "e"):
        names |= {f"{name}{number}" for number in range(6)}
    drop(workshop, *sorted(name for name in names if name[0] == "a"), type="general")
    workshop.wait_for_event("tier.degraded", tier="cloud")
    drop(workshop, *sorted(name for name in names if name[0] == "b" and len(name) == 2), type="general")
    drop(workshop, *sorted(name for name in names if name[0] == "c"), type="general", prompt=SECRET, tier="cloud")
    drop(workshop, *sorted(name for name in names if name[0] == "d"), type="bug_fix", priority="urgent")
    drop(workshop, *sorted(name for name in names if name[0] == "e"), type="bug_fix", priority="background")
    fell_back = {name for name in names if name[0] in "abc" and name != "before"}
    wait_for_all(workshop, fell_back)
    assert {tier_of(workshop, name) for name in fell_back} == {"local"}
    workshop.wait_for_park("e5", "tier")
    workshop.wait_until(lambda: workshop.counts().get("pending") == 12, "twelve to wait for the cloud")

    provider.begin()  # it is there, and breaks at once
    provider.behave(errors={"server": 1.0}, latency_ms=50)
    workshop.wait_until(lambda: provider.bill()["errors"] >= 3, "it to be tried in vain")
    assert provider.bill()["peak"] == 1, "one call at a time"
    assert told(workshop, "tier.degraded") == 1, "told once"
    assert told(workshop, "tier.recovered") == 0
    provider.end()
    provider.begin()
    provider.behave(latency_ms=50)
    workshop.wait_for_event("tier.recovered", tier="cloud")
    wait_for_all(workshop, names)

    tried = workshop.sql(
        "SELECT t.id, r.admitted_at, r.ended_at FROM run r JOIN task t ON t.seq = r.task WHERE r.tier = 'cloud' "
        "AND t.type = 'bug_fix' AND r.outcome = 'answered' ORDER BY r.admitted_at"
    )
    first = tried[:3]
    assert {task[0] for task, _, _ in first} == {"e"}, "what is least urgent first"
    assert all(earlier[2] <= later[1] for earlier, later in pairwise(first)), "one after the other"
    assert (told(workshop, "tier.degraded"), told(workshop, "tier.recovered")) == (1, 1)
    assert "planted" not in provider.heard()
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"] > 0
    assert workshop.held() == {}


def test_while_the_cloud_flaps_the_ledger_is_never_below_the_bill_and_all_is_answered(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    workshop = open_workshop(**settings(provider, fallback=None)).start()
    names = {f"t{number}" for number in range(40)}
    provider.behave(latency_ms=20)
    drop(workshop, *sorted(names))
    for _ in range(2):
        time.sleep(0.3)  # it works for a while, it is gone for a while
        provider.end()
        time.sleep(0.3)
        provider.begin()
        provider.behave(latency_ms=20, errors={"server": 0.2})
        billed, month = provider.bill()["nusd"], workshop.month()
        assert month["settled_nusd"] + month["held_nusd"] >= billed
    provider.behave(errors={})
    wait_for_all(workshop, names)
    month, unknown = workshop.month(), len(list(workshop.events("call.unreconciled")))
    assert month["settled_nusd"] >= provider.bill()["nusd"]
    assert unknown or month["settled_nusd"] == provider.bill()["nusd"]
    assert told(workshop, "tier.degraded") - told(workshop, "tier.recovered") in (0, 1)


def test_a_key_that_is_refused_and_taken_again_comes_back_by_itself(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    workshop = open_workshop(**settings(provider)).start()
    provider.behave(keys=["another", "none"])
    drop(workshop, "a", "b")
    assert {tier_of(workshop, name) for name in ("a", "b")} == {"local"}
    workshop.wait_for_event("tier.degraded", tier="cloud")
    calls = provider.bill()["models"][MODEL]["calls"]
    drop(workshop, "c")
    assert tier_of(workshop, "c") == "local"
    assert provider.bill()["models"][MODEL]["calls"] == calls, "nobody is sent with a key that is refused"
    provider.behave(keys=None)
    workshop.wait_for_event("tier.tried", tier="cloud")
    for name in ("d", "e", "f"):
        drop(workshop, name)
        assert tier_of(workshop, name) == "cloud"
    workshop.wait_for_event("tier.recovered", tier="cloud")
    assert told(workshop, "tier.degraded") == 1


def test_a_model_that_is_missing_is_asked_for_again_once_it_is_there(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    workshop = open_workshop(**settings(provider)).start()
    provider.behave(model=MODEL, missing=True)
    drop(workshop, "a")
    assert tier_of(workshop, "a") == "local"
    workshop.wait_for_event("tier.degraded", tier="cloud")
    drop(workshop, "b")
    assert tier_of(workshop, "b") == "local"
    assert provider.bill()["models"][MODEL]["calls"] <= 2, "nobody is sent there, but for one who tries it"
    provider.behave(model=MODEL, missing=False)
    for number in range(100):  # somebody may just have tried it in vain: then it is left alone once more
        drop(workshop, f"c{number}")
        if tier_of(workshop, f"c{number}") == "cloud":
            break
        time.sleep(0.05)
    for name in ("d", "e"):
        drop(workshop, name)
        assert tier_of(workshop, name) == "cloud"
    workshop.wait_for_event("tier.recovered", tier="cloud")


@pytest.mark.parametrize(
    "how",
    [
        {"errors": ["rate"], "retry_after": 2},
        {"headers": {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}},
    ],
    ids=["retry-after", "nothing left"],
)
def test_nobody_is_sent_before_the_provider_wants_another_call(
    open_workshop: OpenWorkshop, provider: Simulator, how: dict[str, Any]
) -> None:
    workshop = open_workshop(**settings(provider)).start()
    provider.behave(model=MODEL, **how)
    drop(workshop, "a")
    workshop.wait_until(lambda: provider.requests("cloud"), "the first call")
    provider.behave(model=MODEL, headers={})
    workshop.wait_until(lambda: workshop.sql("SELECT 1 FROM circuit WHERE quiet_until IS NOT NULL"), "the word")
    drop(workshop, "b", "c")
    wait_for_all(workshop, {"a", "b", "c"})
    first, *others = [each["at"] for each in provider.requests("cloud")]
    assert len(others) >= 2
    assert min(others) - first >= 2, "before that nobody was to ask"
    assert {tier_of(workshop, name) for name in "abc"} == {"cloud"}, "a short silence is waited for"


def test_who_waits_for_the_next_call_says_when_it_may_be_sent(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    plan = settings(provider)
    plan["routing"]["patience"] = "2m"
    workshop = open_workshop(**plan).start()
    provider.behave(model=MODEL, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60s"})
    drop(workshop, "a")
    wait_for_all(workshop, {"a"})
    drop(workshop, "b")
    workshop.wait_until(lambda: workshop.sql("SELECT 1 FROM task WHERE id = 'b' AND waiting = 'admit'"), "its turn")
    park = workshop.show("b")["park"]
    assert (park["reason"], bool(park["until"])) == ("rate", True)
    explained = json.loads(workshop.koubou("explain", "b", "--json").stdout)
    assert explained["park"]["until"] == park["until"]
    assert 30 < explained["queue"]["estimated_wait_s"] <= 60
