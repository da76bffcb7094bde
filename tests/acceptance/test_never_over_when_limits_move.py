"""Limits are lowered, windows end, money is only held and comes back, and many accounts bind: none is passed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from simulator import Simulator
from till import (
    CENT,
    DOLLAR,
    NeverAbove,
    a_dear_tier,
    a_task,
    account,
    accounts,
    drop_tasks,
    run_a_twin,
    set_limit,
    spend_what_is_left,
    wait_for_rest,
    waiting,
    with_a_dear_tier,
)
from workshop import OpenWorkshop, Workshop, a_tier

CLOCK = '''
"""A clock that a test can move: nanoseconds to add to the time of day stand in a file."""
import time
from collections.abc import Mapping
from pathlib import Path

def moved(true):
    return lambda: true() + int(Path(__file__).with_name("ahead").read_text())

time.time_ns = moved(time.time_ns)
'''


def test_a_limit_that_is_lowered_below_what_stands_lets_nothing_more_through(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    """In the settings first, then by a person."""
    provider.behave(latency_ms=20, output_tokens=20)
    workshop = open_workshop(**with_a_dear_tier(provider, 0.5, concurrency=16)).start()
    need = run_a_twin(workshop)
    drop_tasks(workshop, *(f"t{number}" for number in range(150)))
    spent_before = 0
    for way in ("reload", "budget set"):
        with NeverAbove(provider, DOLLAR // 2) as watch:
            wait_for_bill(workshop, spent_before + 6 * CENT)
            provider.behave(stalled=True)
            workshop.wait_until(lambda: provider.bill()["in_flight"] == 16, "every place to be taken")
            stands = account(workshop, "month")
            assert stands["held"] > 8 * CENT
            lowered = stands["settled"] + CENT
            if way == "reload":
                workshop.settings["budget"]["monthly"]["usd"] = lowered / DOLLAR
                workshop.reload()
            else:
                set_limit(workshop, "month", lowered)
            watch.limit = stands["settled"] + stands["held"]
            calls = provider.bill()["calls"]
            provider.behave(stalled=False)
            wait_for_rest(workshop)
        assert provider.bill()["calls"] == calls, "what was under way has come to its end, and that was all"
        month = account(workshop, "month")
        spent_before = provider.bill()["nusd"]
        assert month["settled"] == spent_before > month["limit"]
        workshop.settings["budget"]["monthly"]["usd"] = 0.5
        workshop.reload()
    assert not workshop.status()["emergency"]
    wait_for_rest(workshop)
    spend_what_is_left(workshop, need)
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]


def test_money_that_is_only_held_comes_back_and_serves_who_waits_this_month_urgent_before_background(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    provider.behave(output_tokens=290)
    workshop = open_workshop(**with_a_dear_tier(provider, 1, max_output_tokens=10_000, concurrency=8)).start()
    drop_tasks(workshop, "first", max_output_tokens=300)
    workshop.output("first")
    provider.behave(output_tokens=20, stalled=True)
    slow = [f"slow-{number}" for number in range(5)]
    drop_tasks(workshop, *slow, max_output_tokens=1_850)
    workshop.wait_until(lambda: provider.bill()["in_flight"] == 5, "five slow calls")
    month = account(workshop, "month")
    set_limit(workshop, "month", month["settled"] + month["held"])
    month = account(workshop, "month")
    assert (month["left"], month["settled"] * 100 // month["limit"]) == (0, 3)

    words = ("background", "normal", "urgent")
    names = [f"{word}-{number}" for number in range(3) for word in words]
    for name in names:
        drop_tasks(workshop, name, priority=name.partition("-")[0], max_output_tokens=6_000)
        workshop.wait_until(lambda: not workshop.waiting_files, "it to be taken in")
    workshop.wait_until(lambda: sum(why == "budget" for why in waiting(workshop).values()) == 9, "nine to wait")
    parks = [task["park"] for task in workshop.ask("list", "--park", "budget")]
    assert [park["until"] for park in parks] == [None] * 9, "held money alone parks nobody until next month"

    with NeverAbove(provider, month["limit"]):
        provider.behave(stalled=False)
        workshop.wait_for_ends(15)
    asked = provider.requests()[-9:]
    order = [name for each in asked for name in names if f"I am {name}." in each["body"]]
    assert order == [f"{word}-{number}" for word in reversed(words) for number in range(3)]
    assert workshop.held() == {}
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]


def test_the_accounts_of_tier_model_session_submitter_and_day_hold_each_in_its_own_dimension(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    provider.behave(latency_ms=10, output_tokens=20)
    me = f"submitter:{os.geteuid()}"
    workshop = open_workshop(
        tiers={
            "dear": a_dear_tier(provider),
            "counted": a_tier(provider, "cloud", "gpt-5"),
            "small": a_tier(provider, "cloud", "gpt-5-mini", price={"input": 0.25, "output": 2}),
            "local": a_tier(provider, "house", "house-model"),
        },
        routing={"high": "dear", "medium": "counted", "low": "local"},
        budget={
            "monthly": {"usd": 1000},
            "daily": {"usd": 1000, "weekend_usd": None},
            "session": {"tokens": 1_000},
            "tiers": {"dear": {"usd": 0.05}, "counted": {"calls": 7}},
            "models": {"gpt-5-mini": {"tokens": 1_000}},
            "submitters": {str(os.geteuid()): {"tokens": 1_000_000}},
        },
    ).start()
    need = run_a_twin(workshop)
    tokens = (need - 20 * 100_000) // 10_000 + 20
    for tier, asked in (("dear", {}), ("counted", {}), ("small", {}), ("local", {"session": "s"})):
        drop_tasks(workshop, *(f"{tier}-{number}" for number in range(40)), tier=tier, **asked)
    assert set(wait_for_rest(workshop).values()) == {"budget"}
    pages, found = provider.bill()["models"], accounts(workshop)
    month = next(name for name, _ in found if name.startswith("month:"))
    assert 4 * CENT < found[f"tier:dear:{month}", "usd"]["settled"] == pages["gpt-dear"]["nusd"] <= 5 * CENT
    assert found[f"tier:counted:{month}", "calls"]["settled"] == pages["gpt-5"]["calls"] == 7
    assert 800 < found[f"model:gpt-5-mini:{month}", "tokens"]["settled"] == tokens_of(pages, "gpt-5-mini") <= 1_000
    assert 800 < found["session:s", "tokens"]["settled"] == tokens_of(pages, "house-model") <= 1_000
    assert found[f"{me}:{month}", "tokens"]["settled"] == tokens_of(pages, *pages)

    spend_what_is_left(workshop, need, "tier:dear")
    spend_what_is_left(workshop, 1, "tier:counted", "calls", tier="counted")
    assert account(workshop, "tier:counted:", "calls")["left"] == 0
    spend_what_is_left(workshop, tokens, "model:gpt-5-mini", "tokens", tier="small")
    spend_what_is_left(workshop, tokens, "session:s", "tokens", name="session:s", tier="local", session="s")

    # What the tier and the day may spend, who drops may not: each in turn is the narrowest.
    pages = provider.bill()["models"]
    set_limit(workshop, me, tokens_of(pages, *pages) + 500, "tokens")
    set_limit(workshop, "tier:dear", DOLLAR)
    wait_for_rest(workshop)
    pages = provider.bill()["models"]
    mine = account(workshop, f"{me}:", "tokens")
    assert mine["limit"] - 200 < mine["settled"] == tokens_of(pages, *pages) <= mine["limit"]
    spend_what_is_left(workshop, tokens, me, "tokens")
    limit = provider.bill()["nusd"] + CENT
    set_limit(workshop, "day", limit)
    with NeverAbove(provider, limit):
        set_limit(workshop, me, 1_000_000, "tokens")
        wait_for_rest(workshop)
    assert account(workshop, "day:")["settled"] == provider.bill()["nusd"] > limit - CENT
    spend_what_is_left(workshop, need, "day")
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]


def test_a_day_or_month_that_ends_in_mid_run_pays_for_its_own_calls_and_the_next_begins_with_all_its_money(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    """In Tokyo it is the first of the month while in London it is the last."""
    a_day, a_month = 15 * CENT, 24 * CENT
    provider.behave(latency_ms=10, output_tokens=20)
    settings = with_a_dear_tier(provider, a_month / DOLLAR, concurrency=8)
    settings["budget"] |= {"timezone": "Asia/Tokyo", "daily": {"usd": a_day / DOLLAR, "weekend_usd": None}}
    workshop = open_workshop(**settings)
    clock = a_clock(workshop)
    set_clock(clock, "2027-08-31T23:00:00+09:00")
    workshop.start()
    need = run_a_twin(workshop)
    drop_tasks(workshop, *(f"t{number}" for number in range(220)))
    wait_for_bill(workshop, a_day // 3)
    provider.behave(stalled=True)
    workshop.wait_until(lambda: provider.bill()["in_flight"] == 8, "calls to be under way at midnight")
    set_clock(clock, "2027-09-01T00:00:05+09:00")
    under_way = len(provider.requests())
    before = accounts(workshop)["month:2027-08", "usd"]
    assert before["held"] > 0
    provider.behave(stalled=False)
    wait_for_rest(workshop)
    spent = [each["nusd"] for each in provider.requests()]
    in_august, in_september = sum(spent[:under_way]), sum(spent[under_way:])
    assert in_august > before["settled"]
    assert settled(workshop, "month:2027-08") == settled(workshop, "day:2027-08-31") == in_august < a_day
    assert settled(workshop, "month:2027-09") == settled(workshop, "day:2027-09-01") == in_september
    assert a_day - CENT < in_september <= a_day

    # Who waits for tomorrow is woken by it; then the month binds, and then the day again.
    for until, day, month, least, limit in (
        ("2027-09-02T00:00:00+09:00", "09-02", "09", a_month - a_day - 1, a_month - in_september),
        ("2027-10-01T00:00:00+09:00", "10-01", "10", a_day - CENT, a_day),
    ):
        parks = workshop.ask("list", "--park", "budget", "--limit", "1")
        assert datetime.fromisoformat(parks[0]["park"]["until"]) == datetime.fromisoformat(until)
        billed = provider.bill()["nusd"]
        set_clock(clock, until)
        workshop.drop(f"{day}.yaml", a_task(f"at-dawn-of-{day}"))
        wait_for_bill(workshop, billed)
        wait_for_rest(workshop)
        assert least - CENT < settled(workshop, f"day:2027-{day}") == provider.bill()["nusd"] - billed <= limit
        assert settled(workshop, f"month:2027-{month}") <= a_month
    spend_what_is_left(workshop, need, "day", name="day:2027-10-01")
    months = [settled(workshop, f"month:2027-{number}") for number in ("08", "09", "10")]
    assert sum(months) == provider.bill()["nusd"]


def wait_for_bill(workshop: Workshop, above: int) -> None:
    """Wait until the provider bills more than so much."""
    workshop.wait_until(lambda: workshop.provider.bill()["nusd"] > above, f"a bill of more than {above / DOLLAR}")


def settled(workshop: Workshop, name: str) -> int:
    """What is settled of money on an account."""
    return int(accounts(workshop)[name, "usd"]["settled"])


def a_clock(workshop: Workshop) -> Path:
    """Give the workshop's processes a clock that can be moved; its folder. Python itself reads it at their start."""
    clock = workshop.folder / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(CLOCK)
    workshop.environment["PYTHONPATH"] = str(clock)
    return clock


def set_clock(clock: Path, moment: str) -> None:
    """From now on it is that time."""
    ahead = datetime.fromisoformat(moment).timestamp() - time.time()
    (clock / "draft").write_text(str(round(ahead * 1e9)))
    (clock / "draft").rename(clock / "ahead")


def tokens_of(pages: Mapping[str, Mapping[str, int]], *models: str) -> int:
    """What the provider counted of these models, in and out."""
    return sum(pages[model]["input_tokens"] + pages[model]["output_tokens"] for model in models)
