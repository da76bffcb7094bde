"""What an operator does with money by hand: limits, more for one account, a new period, a bill, a word to go on."""

from __future__ import annotations

import json
from typing import Any

from simulator import Simulator
from workshop import OpenWorkshop, Workshop, a_tier

CENT = 10_000_000


def with_a_dear_tier(provider: Simulator, usd: float) -> dict[str, Any]:
    """A tier of which 300 tokens of answer cost three cents, and so much money a month."""
    return {
        "tiers": {"dear": a_tier(provider, "cloud", "gpt-dear", price={"input": 10, "output": 100})},
        "routing": {"high": "dear", "medium": "dear", "low": "dear"},
        "budget": {"monthly": {"usd": usd}, "daily": {"usd": None}},
    }


def spend(workshop: Workshop, task: str = "spend") -> int:
    """Have a task of three cents done; what it cost."""
    workshop.drop(f"{task}.yaml", a_task(task))
    cost: int = workshop.output(task)["cost_nusd"]
    assert cost > 3 * CENT
    return cost


def a_task(task: str) -> dict[str, Any]:
    return {"id": task, "prompt": "Hello", "tier": "dear", "max_output_tokens": 300, "session": "by-hand"}


def test_limits_are_set_raised_and_begun_anew_by_hand(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    provider.behave(output_tokens=300)
    workshop = open_workshop(**with_a_dear_tier(provider, 0.04)).start()
    first = spend(workshop)
    (estimate,) = estimated(workshop, a_task("second"))
    assert (estimate["tier"], estimate["fits"], estimate["how_many_fit"]) == ("dear", False, 0)
    workshop.drop("second.yaml", a_task("second"))
    workshop.wait_for_park("second", "budget")

    nothing = workshop.koubou("finish", "second")
    assert (nothing.returncode, "nothing of an answer" in nothing.stderr) == (1, True), nothing.stderr

    told = workshop.koubou("budget", "add", "month", "--usd", "0.03", "--reason", "one more")
    assert "$0.03 more" in told.stdout, told.stderr
    second = workshop.output("second")["cost_nusd"]
    assert workshop.month()["limit_nusd"] == 7 * CENT

    limited = workshop.koubou("budget", "set", "session:by-hand", "--usd", "0.15", "--tokens", "9,000", "--reason", "x")
    assert limited.returncode == 0, limited.stderr
    assert len(limited.stdout.splitlines()) == 2
    assert workshop.koubou("budget", "set", "month", "--none", "--reason", "a test").returncode == 0
    spend(workshop, "third")
    assert [room["account"] for room in estimated(workshop, a_task("x"))[0]["room"]] == ["session:by-hand"] * 2
    assert workshop.month()["limit_usd"] is None

    assert workshop.koubou("budget", "set", "month", "--default", "--reason", "a test").returncode == 0
    assert workshop.koubou("budget", "reset", "month", "--reason", "paid by others").returncode == 0
    month = workshop.month()
    assert (month["settled_nusd"], month["limit_nusd"]) == (0, 4 * CENT), "what was added went with it"
    report = workshop.ask("budget", "report", "--by", "session")
    assert report["rows"][0]["session"] == "by-hand"
    assert report["total"]["cost_nusd"] == provider.bill()["nusd"] > first + second
    assert workshop.sql("SELECT COUNT(*) FROM ledger WHERE kind = 'reset'")[0][0] >= 1


def test_a_bill_above_the_ledger_stops_everything_until_a_person_resumes(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    provider.behave(output_tokens=300)
    workshop = open_workshop(**with_a_dear_tier(provider, 1)).start()
    cost = spend(workshop)
    ((hour,),) = workshop.sql("SELECT DISTINCT begun_at / 3600000 * 3600 FROM ledger")
    right = f"model,hour,cost_usd\ngpt-dear,{hour},{cost / 1e9:.9f}\n"
    good = workshop.koubou("budget", "reconcile", "-", stdin=right)
    assert (good.returncode, good.stdout) == (0, "1 of 1 hours need no correction; $0.00 was added\n"), good.stderr

    # The same by the day, as the providers bill, under the name of the model's version.
    page = {"start_time": hour // 86_400 * 86_400, "end_time": hour // 86_400 * 86_400 + 86_400}
    amount = {"value": cost / 1e9 + 0.01, "currency": "usd"}
    result = {"amount": amount, "line_item": "gpt-dear-2026-01-01, output"}
    bill = json.dumps({"data": [{**page, "results": [result]}], "has_more": False})
    above = workshop.koubou("budget", "reconcile", "-", "--json", stdin=bill)
    answer = json.loads(above.stdout)
    assert (above.returncode, answer["alarm"], answer["added"]) == (1, True, CENT), above.stderr
    assert "ALARM: " in above.stderr
    assert workshop.month()["settled_nusd"] == cost + CENT
    assert workshop.ask("budget")["emergency"] is True
    assert "STOPPED  emergency: " in workshop.koubou("budget").stdout
    (estimate,) = estimated(workshop, a_task("later"))
    assert (estimate["fits"], "everything is stopped" in estimate["verdict"]) == (None, True)

    resumed = workshop.koubou("budget", "resume", "--reason", "an export of another project")
    assert resumed.stdout == "the workshop goes on (ended: emergency)\n"
    assert workshop.ask("budget")["latches"] == {}
    spend(workshop, "later")


def estimated(workshop: Workshop, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """What `koubou estimate` says of tasks before they are dropped."""
    done = workshop.koubou("estimate", "-", "--json", stdin="\n---\n".join(map(json.dumps, tasks)))
    assert done.returncode == 0, done.stderr
    assert "no master" not in done.stdout
    estimates: list[dict[str, Any]] = json.loads(done.stdout)
    return estimates
