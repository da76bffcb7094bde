"""When a provider fails in every way, the ledger never falls below its bill and nothing stays held."""

from __future__ import annotations

from simulator import Simulator
from workshop import Workshop

ERRORS = {"rate": 0.05, "rate_silent": 0.03, "server": 0.05, "overload": 0.03, "proxy": 0.05}


def test_the_ledger_is_never_below_the_bill_of_a_bad_day(workshop: Workshop, provider: Simulator) -> None:
    provider.behave(
        latency_ms=10, errors=ERRORS, cut_after_billing=0.05, missing_usage=0.05, bill_proxy_errors=True, seed=11
    )
    workshop.drop_all({f"{n}.yaml": {"id": f"t{n}", "prompt": f"{n}?", "tier": "gpt5_high"} for n in range(80)})
    workshop.wait_for_ends(80, within=120)
    bill, month = provider.bill(), workshop.month()
    assert bill["kinds"].keys() >= {"server", "proxy", "rate"}
    assert month["settled_nusd"] >= bill["nusd"]
    assert month["unreconciled_usd"] > 0
    assert workshop.held() == {}
    # What has an outcome is known to the token: only the calls of unknown outcome stand above the bill.
    known = workshop.month()["settled_nusd"] - round(month["unreconciled_usd"] * 1e9)
    assert known <= bill["nusd"]


def test_an_exhausted_quota_is_not_asked_again_and_again(workshop: Workshop, provider: Simulator) -> None:
    provider.behave(errors={"quota": 1.0})
    workshop.drop_all({f"{n}.yaml": {"id": f"t{n}", "prompt": "?", "tier": "gpt5_high"} for n in range(10)})
    workshop.wait_until(lambda: provider.bill()["calls"], "the first call")
    workshop.wait_until(
        lambda: len(workshop.failed) + _parked(workshop, "tier") == 10,
        "each task to fail or park",
        within=30,
        every=0.2,
    )
    assert provider.bill()["calls"] <= 20
    assert workshop.held() == {}
    assert workshop.month()["settled_nusd"] == 0


def test_a_server_that_redirects_gets_no_prompt_sent_elsewhere(workshop: Workshop, provider: Simulator) -> None:
    with Simulator() as elsewhere:
        provider.behave(model="house-model", redirect_to=elsewhere.door("stolen") + "/chat/completions")
        workshop.drop("a.yaml", {"id": "a", "prompt": "CODENAME-HERON", "sensitivity": "confidential"})
        workshop.wait_until(lambda: provider.bill()["kinds"].get("redirect"), "the call that is redirected")
        provider.behave(model="house-model", redirect_to=None)
        workshop.wait_until(
            lambda: "a" in workshop.completed | workshop.failed or workshop.show("a")["park"], "the task's next state"
        )
        assert elsewhere.requests() == []
        assert workshop.held() == {}


def _parked(workshop: Workshop, reason: str) -> int:
    ((count,),) = workshop.sql("SELECT COUNT(*) FROM task WHERE park = ?", reason)
    return int(count)
