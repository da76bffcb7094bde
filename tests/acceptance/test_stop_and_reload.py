"""The master stops without losing what is under way, takes new settings, and can be stopped for money."""

from __future__ import annotations

import signal

from simulator import Simulator
from workshop import Workshop, a_tier


def begin_a_call(workshop: Workshop, provider: Simulator, seconds: float, task: str = "slow") -> None:
    """Drop a task whose answer takes so long, and wait until its call is on the wire."""
    calls = provider.bill()["calls"]
    provider.behave(latency_ms=seconds * 1000)
    workshop.drop(f"{task}.yaml", {"id": task, "prompt": "Think it over.", "tier": "gpt5_high"})
    workshop.wait_until(lambda: provider.bill()["calls"] > calls, "the call to begin")


def test_sigterm_lets_the_call_under_way_finish_and_files_it(workshop: Workshop, provider: Simulator) -> None:
    begin_a_call(workshop, provider, 1.0)
    workshop.signal(signal.SIGTERM)
    workshop.wait_for_event("system.draining")
    workshop.drop("late.yaml", {"id": "late", "prompt": "Too late for today."})
    assert workshop.exit_code() == 0
    assert workshop.completed == {"slow"}
    assert workshop.left_over() == []
    assert {status for (status,) in workshop.sql("SELECT status FROM workers")} == {"offline"}

    # What was dropped meanwhile is taken by the next master.
    provider.behave(latency_ms=0)
    workshop.start()
    workshop.output("late")
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]
    assert workshop.held() == {}


def test_a_second_sigterm_is_quick(workshop: Workshop, provider: Simulator) -> None:
    begin_a_call(workshop, provider, 20)
    workshop.signal(signal.SIGTERM)
    workshop.wait_for_event("system.draining")
    workshop.signal(signal.SIGTERM)
    workshop.exit_code(within=12)

    provider.behave(latency_ms=0)
    workshop.start()
    workshop.output("slow")
    assert workshop.month()["settled_nusd"] >= provider.bill()["nusd"]
    assert workshop.held() == {}


def test_parked_tasks_are_still_there_after_a_restart(workshop: Workshop) -> None:
    workshop.drop("later.yaml", {"id": "later", "prompt": "Hello", "not_before": "2100-01-01T00:00:00Z"})
    workshop.wait_for_park("later", "schedule")
    assert workshop.stop() == 0
    workshop.start()
    assert workshop.show("later")["park"]["reason"] == "schedule"


def test_sighup_with_bad_settings_keeps_the_old_ones(workshop: Workshop) -> None:
    good = dict(workshop.settings)
    workshop.settings = {"home": str(workshop.home), "teirs": {}}
    workshop.reload()
    told = [line for line in workshop.lines if line["level"] in {"warning", "error"}]
    assert any("teirs" in str(line) for line in told)
    workshop.settings = good
    workshop.write_settings()
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "gpt5_high"})
    workshop.output("a")


def test_sighup_adds_a_tier(workshop: Workshop, provider: Simulator) -> None:
    assert "extra" not in workshop.status()["tiers"]
    workshop.settings["tiers"]["extra"] = a_tier(provider, "cloud", "gpt-5-mini", price={"input": 0.25, "output": 2})
    workshop.reload()
    workshop.wait_until(lambda: "extra" in workshop.status()["tiers"], "the new tier")
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "extra"})
    assert workshop.output("a")["model"] == "gpt-5-mini"
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]


def test_sighup_leaves_the_call_under_way_alone(workshop: Workshop, provider: Simulator) -> None:
    begin_a_call(workshop, provider, 1.0)
    workshop.settings["tiers"]["gpt5_high"]["max_output_tokens"] = 1_000
    workshop.reload()
    workshop.output("slow")
    assert provider.bill()["calls"] == 1


def test_sigusr2_stops_all_spending_until_a_person_resumes(workshop: Workshop, provider: Simulator) -> None:
    begin_a_call(workshop, provider, 1.0)
    workshop.signal(signal.SIGUSR2)
    workshop.wait_for_event("emergency.stop")
    assert workshop.status()["emergency"] is True
    provider.behave(latency_ms=0)

    # The call on the wire is paid for, so it finishes; nothing further starts, not even in the house.
    workshop.output("slow")
    for tier in ("gpt5_high", "local"):
        workshop.drop(f"{tier}.yaml", {"id": tier, "prompt": "Hello", "tier": tier})
    for tier in ("gpt5_high", "local"):
        workshop.wait_until(lambda tier=tier: workshop.koubou("show", tier).returncode == 0, "the task to be known")
        assert workshop.show(tier)["status"] == "pending"
    assert provider.bill()["calls"] == 1

    # It is latched: a restart does not lift it.
    workshop.stop()
    workshop.start()
    assert workshop.status()["emergency"] is True
    assert workshop.koubou("budget", "resume").returncode == 64
    assert workshop.koubou("budget", "resume", "--reason", "looked at the bill").returncode == 0
    workshop.wait_for_event("emergency.resumed")
    for tier in ("gpt5_high", "local"):
        workshop.output(tier)
    assert workshop.status()["emergency"] is False


def test_a_second_master_is_refused(workshop: Workshop) -> None:
    second = workshop.koubou("serve")
    assert second.returncode == 69
    assert "Traceback" not in second.stderr
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    workshop.output("a")


def test_a_stdout_that_nobody_reads_does_not_stop_the_workshop(workshop: Workshop) -> None:
    """A pipe holds 64 kB; 150 tasks say more than that."""
    workshop.pause_reading()
    try:
        workshop.drop_all({f"{n}.yaml": {"id": f"t{n}", "prompt": "Hello"} for n in range(150)})
        workshop.wait_for_ends(150)
    finally:
        workshop.read_on()


def test_the_journal_is_one_json_object_a_line(workshop: Workshop) -> None:
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "gpt5_high"})
    workshop.output("a")
    workshop.wait_for_event("task.completed", task="a")
    for line in workshop.lines:
        assert {"timestamp", "level", "event"} <= set(line)
        assert line["timestamp"].endswith("Z") or line["timestamp"].endswith("+00:00")
    for event in ("task.enqueued", "task.classified", "task.routed", "task.admitted", "task.started"):
        assert next(workshop.events(event, task="a")), event
