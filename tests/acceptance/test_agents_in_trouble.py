"""Agents whose provider fails, who are cancelled, or whose master, worker or leash is killed: money and processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
from at_the_bench import BOTH, MODELS, a_bench, ask_for, needs_the_bench, the_key_is_nowhere, the_ledger_is_the_bill
from till import account
from workshop import API_KEY, Workshop

pytestmark = needs_the_bench()
LONG = [{"tool": "python3 -c 'import time; time.sleep(60)'"}] * 30
"""Codex looks after ten seconds what becomes of a command, and asks again."""
SHORT = [{"tool": "echo made > made.txt"}, {"say": "done"}]


@pytest.fixture(scope="module")
def bench() -> Iterator[Workshop]:
    with a_bench(breaker={"in_a_row": 1000, "share": 1, "of_last": 1000}) as workshop:
        yield workshop.start()


@pytest.fixture
def workshop(bench: Workshop) -> Workshop:
    bench.provider.behave(
        script=SHORT, errors={}, output_tokens=40, cut_after_billing=0, stalled=False, failure=None, latency_ms=0
    )
    return bench


def programs(workshop: Workshop) -> list[psutil.Process]:
    """The agents' own programs that live, wherever they are."""
    found = [each for each in workshop.notice_processes() if each.is_running() and _is_agent(each)]
    return [each for each in found if not any(_is_agent(above) for above in each.parents())]


def _is_agent(process: psutil.Process) -> bool:
    try:
        return process.name() in ("codex", "claude") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def at_work(workshop: Workshop, task: str) -> None:
    """Its agent runs the command that takes long, and no call is under way."""
    workshop.wait_until(lambda: _has_asked(workshop, task), f"{task} to run its command", within=60)


def _has_asked(workshop: Workshop, task: str) -> bool:
    runs = workshop.show(task)["runs"]
    return bool(runs) and runs[-1]["calls"] > 0 and not workshop.provider.bill()["in_flight"]


def nobody_is_left(workshop: Workshop) -> None:
    workshop.wait_until(lambda: not programs(workshop), "every agent to be gone")


def ask_both(workshop: Workshop, about: str, **asked: Any) -> list[str]:
    """A task for each of the agents, at once."""
    for agent in BOTH:
        ask_for(workshop, f"{about}-{agent}", agent, **asked)
    return [f"{about}-{agent}" for agent in BOTH]


def spent(workshop: Workshop) -> tuple[int, int]:
    """What the ledger says was spent, and what the provider has billed."""
    return workshop.month()["settled_nusd"], workshop.provider.bill()["nusd"]


def the_ledger_rises_with_the_bill(workshop: Workshop, before: tuple[int, int]) -> None:
    workshop.wait_until(lambda: not workshop.held(), "nothing to be held")
    after = spent(workshop)
    assert after[0] - before[0] == after[1] - before[1] > 0


@pytest.mark.parametrize(
    ("kind", "error"), [("quota", "quota"), ("context", "context"), ("not_found", "model"), ("server", "server")]
)
def test_what_the_provider_refuses_ends_the_run_with_its_reason_and_costs_nothing(
    workshop: Workshop, kind: str, error: str
) -> None:
    before = spent(workshop)
    workshop.provider.behave(errors={kind: 1.0})
    for task in ask_both(workshop, kind):
        assert workshop.error(task)["error"]["class"] == error
    workshop.provider.behave(errors={})
    for agent in BOTH:
        workshop.koubou("resume", agent)
    workshop.wait_until(lambda: not workshop.held(), "nothing to be held")
    assert spent(workshop) == before
    nobody_is_left(workshop)


def test_a_provider_that_fails_now_and_then_is_asked_again(workshop: Workshop) -> None:
    for model in MODELS.values():
        workshop.provider.behave(model=model, script=SHORT, errors=["rate", None, "server", None])
    for task in ask_both(workshop, "flaky"):
        assert workshop.output(task)["answer"] == "done"
    for model in MODELS.values():
        workshop.provider.behave(model=model, errors={})
    the_ledger_is_the_bill(workshop)


def test_a_stalled_provider_is_given_up_when_the_run_has_had_its_time(workshop: Workshop) -> None:
    workshop.provider.behave(stalled=True)
    tasks = ask_both(workshop, "stall", budget={"time": "6s"})
    for task in tasks:
        assert workshop.error(task)["error"]["class"] in ("timeout", "budget")
    workshop.provider.behave(stalled=False)
    nobody_is_left(workshop)
    workshop.wait_until(lambda: not workshop.held(), "nothing to be held", within=60)
    settled, billed = spent(workshop)
    assert settled >= billed


def test_a_cut_answer_costs_its_whole_hold_and_never_less_than_the_bill(workshop: Workshop) -> None:
    before = spent(workshop)
    workshop.provider.behave(cut_after_billing=1.0)
    for task in ask_both(workshop, "cut"):
        workshop.error(task)
    workshop.provider.behave(cut_after_billing=0)
    workshop.wait_until(lambda: not workshop.held(), "nothing to be held")
    after = spent(workshop)
    assert after[0] - before[0] >= after[1] - before[1] > 0
    assert workshop.sql("SELECT unreconciled FROM account WHERE name GLOB 'month:*' AND dimension = 'usd'")[0][0] > 0
    nobody_is_left(workshop)


def test_a_cancelled_agent_is_gone_and_what_it_used_is_known(workshop: Workshop) -> None:
    before = spent(workshop)
    workshop.provider.behave(script=LONG)
    tasks = ask_both(workshop, "cancel")
    for task in tasks:
        at_work(workshop, task)
    for task in tasks:
        told = workshop.koubou("cancel", task)
        assert (told.returncode, "is read to its end first" in told.stdout) == (0, True)
        assert workshop.error(task)["error"]["class"] == "cancelled"
    nobody_is_left(workshop)
    the_ledger_rises_with_the_bill(workshop, before)


@pytest.mark.parametrize("victim", ["leash", "worker", "master"])
def test_kill_9_leaves_nobody_behind_and_the_tasks_come_to_their_end(workshop: Workshop, victim: str) -> None:
    before = spent(workshop)
    workshop.provider.behave(script=LONG)
    tasks = ask_both(workshop, f"kill-{victim}", on_interrupt="resume", retries=2)
    for task in tasks:
        at_work(workshop, task)
    old = programs(workshop)
    assert sorted(each.name() for each in old) == sorted(BOTH)
    workshop.provider.behave(script=SHORT)
    _kill(workshop, victim, old)
    workshop.wait_until(lambda: not any(each.is_running() and _is_agent(each) for each in old), "the old agents to go")
    for task in tasks:
        assert workshop.output(task)["answer"] == "done"
        assert account(workshop, f"task:{task}", "time")["held"] == 0
    nobody_is_left(workshop)
    the_ledger_rises_with_the_bill(workshop, before)


def _kill(workshop: Workshop, victim: str, agents: list[psutil.Process]) -> None:
    words = {"leash": "koubou/leash", "worker": "koubou.worker"}
    if victim == "master":
        workshop.kill()
        workshop.start()
        return
    for agent in agents:
        found = [each for each in agent.parents() if words[victim] in " ".join(each.cmdline())]
        found[0].send_signal(signal.SIGKILL)


def test_the_key_is_in_no_environment_file_or_process_list_of_an_agent(workshop: Workshop) -> None:
    workshop.provider.behave(script=LONG)
    tasks = ask_both(workshop, "key")
    for task in tasks:
        at_work(workshop, task)
    agents = programs(workshop)
    assert len(agents) == 2
    for agent in agents:
        for each in [agent, *agent.parents()[:4]]:
            if "koubou.worker" in " ".join(each.cmdline()):
                break
            assert API_KEY not in "".join(each.cmdline())
            assert API_KEY not in "".join(each.environ().values())
        for each in agent.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # what an agent starts comes and goes
                assert API_KEY not in "".join(each.cmdline())
                assert API_KEY not in "".join(each.environ().values())
    the_key_is_nowhere(workshop)
    for task in tasks:
        assert workshop.koubou("cancel", task).returncode == 0
        workshop.error(task)


def test_a_login_that_is_refused_three_times_stops_the_agent_and_its_tasks_wait_for_it(workshop: Workshop) -> None:
    before = spent(workshop)
    workshop.provider.behave(keys=["another-key"])
    tasks = ask_both(workshop, "login")
    for agent, task in zip(BOTH, tasks, strict=True):
        workshop.wait_for_event("session.timeout", tier=agent, within=60)
        workshop.wait_for_park(task, "tier")
    assert spent(workshop) == before
    workshop.provider.behave(keys=[API_KEY])
    for agent, task in zip(BOTH, tasks, strict=True):
        assert workshop.koubou("resume", agent).returncode == 0
        assert workshop.output(task)["answer"] == "done"
    the_ledger_rises_with_the_bill(workshop, before)
