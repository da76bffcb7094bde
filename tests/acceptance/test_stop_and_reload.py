"""The master stops without losing what is under way, takes new settings, and can be stopped for money."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
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
    workshop.stop_twice(within=12)

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


WAITING = {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}
"""What a master hears later when it comes while the master starts."""


def begin_a_start(workshop: Workshop) -> None:
    """Launch the next master and come back while nobody hears its signals yet."""
    workshop.stop()
    workshop.launch(anew=True)
    assert workshop.process is not None
    pid = workshop.process.pid
    workshop.wait_until(lambda: blocked(pid) == WAITING, "the first act of the master", every=0.001)


def blocked(pid: int) -> set[int]:
    """The signals that wait before this process."""
    status = Path(f"/proc/{pid}/status").read_text()
    [mask] = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigBlk:")]
    return {number for number in range(1, signal.NSIG) if mask & 1 << (number - 1)}


def test_the_emergency_stop_is_heard_also_while_the_master_starts(workshop: Workshop, provider: Simulator) -> None:
    begin_a_start(workshop)
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "gpt5_high"})
    workshop.signal(signal.SIGUSR2)
    workshop.wait_for_event("emergency.stop")
    workshop.wait_for_event("task.enqueued", task="a")
    assert workshop.status()["emergency"] is True
    assert provider.bill()["calls"] == 0
    assert workshop.koubou("budget", "resume", "--reason", "looked at the bill").returncode == 0
    workshop.output("a")


def test_settings_changed_while_the_master_starts_are_in_force_after_a_sighup(
    workshop: Workshop, provider: Simulator
) -> None:
    begin_a_start(workshop)
    workshop.settings["tiers"]["extra"] = a_tier(provider, "cloud", "gpt-5-mini", price={"input": 0.25, "output": 2})
    workshop.write_settings()
    workshop.signal(signal.SIGHUP)
    workshop.signal(signal.SIGUSR1)
    workshop.wait_for_event("system.reloaded")
    workshop.wait_for_event("system.ready")
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "extra"})
    workshop.output("a")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_master_that_starts_is_ended_at_once_and_quietly(workshop: Workshop, number: signal.Signals) -> None:
    begin_a_start(workshop)
    workshop.signal(number)
    assert workshop.exit_code() == -number
    assert (workshop.folder / "stderr").read_text() == ""
    workshop.start()


def test_nobody_below_the_master_is_deaf_to_a_signal(workshop: Workshop) -> None:
    for tier in ("gpt5_high", "local"):
        workshop.drop(f"{tier}.yaml", {"id": tier, "prompt": "Hello", "tier": tier})
        workshop.output(tier)
    processes = workshop.notice_processes()
    assert len(processes) >= 5, "the master, two hands, two workers"
    assert [each for each in processes if blocked(each.pid) & WAITING] == []


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
