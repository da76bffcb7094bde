"""Agents whose provider fails, who are cancelled, or whose master, worker or leash is killed: money and processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from at_the_bench import BOTH, MODELS, a_bench, ask_for, needs_the_bench, the_key_is_nowhere, the_ledger_is_the_bill
from till import account
from workshop import API_KEY, Workshop

pytestmark = needs_the_bench()
LONG = [{"tool": "python3 -c 'import time; time.sleep(60)'"}, {"say": "done"}]
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
    """Its agent runs the command that takes long, and no call of it is under way."""
    workshop.wait_until(lambda: _has_asked(workshop, task), f"{task} to run its command", within=60)


def _has_asked(workshop: Workshop, task: str) -> bool:
    runs = workshop.show(task)["runs"]
    return bool(runs) and runs[-1]["calls"] == 1 and not workshop.provider.bill()["in_flight"]


def nobody_is_left(workshop: Workshop) -> None:
    workshop.wait_until(lambda: not programs(workshop), "every agent to be gone")


@pytest.mark.parametrize("agent", BOTH)
@pytest.mark.parametrize(
    ("kind", "error"), [("quota", "quota"), ("context", "context"), ("not_found", "model"), ("server", "server")]
)
def test_what_the_provider_refuses_ends_the_run_with_its_reason_and_costs_nothing(
    workshop: Workshop, agent: str, kind: str, error: str
) -> None:
    task, before = f"{kind}-{agent}", workshop.provider.bill()["nusd"]
    workshop.provider.behave(model=MODELS[agent], errors={kind: 1.0})
    ask_for(workshop, task, agent)
    failed = workshop.error(task)
    workshop.provider.behave(model=MODELS[agent], errors={})
    workshop.koubou("resume", agent)
    assert failed["error"]["class"] == error
    assert workshop.provider.bill()["nusd"] == before
    the_ledger_is_the_bill(workshop)
    nobody_is_left(workshop)


@pytest.mark.parametrize("agent", BOTH)
def test_a_provider_that_fails_now_and_then_is_asked_again(workshop: Workshop, agent: str) -> None:
    task = f"flaky-{agent}"
    workshop.provider.behave(model=MODELS[agent], errors=["rate", None, "server", None])
    ask_for(workshop, task, agent)
    assert workshop.output(task)["answer"] == "done"
    workshop.provider.behave(model=MODELS[agent], errors={})
    the_ledger_is_the_bill(workshop)


@pytest.mark.parametrize("agent", BOTH)
def test_a_cut_answer_costs_its_whole_hold_and_never_less_than_the_bill(workshop: Workshop, agent: str) -> None:
    task, settled = f"cut-{agent}", workshop.month()["settled_nusd"]
    billed = workshop.provider.bill()["nusd"]
    workshop.provider.behave(model=MODELS[agent], cut_after_billing=1.0)
    ask_for(workshop, task, agent)
    workshop.error(task)
    workshop.provider.behave(model=MODELS[agent], cut_after_billing=0)
    workshop.wait_until(lambda: not workshop.held(), "nothing to be held")
    assert workshop.month()["settled_nusd"] - settled >= workshop.provider.bill()["nusd"] - billed > 0
    assert workshop.sql("SELECT unreconciled FROM account WHERE name GLOB 'month:*' AND dimension = 'usd'")[0][0] > 0
    nobody_is_left(workshop)


@pytest.mark.parametrize("agent", BOTH)
def test_a_cancelled_agent_is_gone_and_what_it_used_is_known(workshop: Workshop, agent: str) -> None:
    task, settled = f"cancel-{agent}", workshop.month()["settled_nusd"]
    billed = workshop.provider.bill()["nusd"]
    workshop.provider.behave(script=LONG)
    ask_for(workshop, task, agent)
    at_work(workshop, task)
    assert workshop.koubou("cancel", task).returncode == 0
    assert workshop.error(task)["error"]["class"] == "cancelled"
    nobody_is_left(workshop)
    assert workshop.month()["settled_nusd"] - settled == workshop.provider.bill()["nusd"] - billed > 0


@pytest.mark.parametrize("agent", BOTH)
@pytest.mark.parametrize("victim", ["leash", "worker", "master"])
def test_kill_9_leaves_nobody_behind_and_the_task_comes_to_its_end(workshop: Workshop, agent: str, victim: str) -> None:
    task, settled = f"kill-{victim}-{agent}", workshop.month()["settled_nusd"]
    billed = workshop.provider.bill()["nusd"]
    workshop.provider.behave(script=LONG)
    ask_for(workshop, task, agent, on_interrupt="resume", retries=2)
    at_work(workshop, task)
    (program,) = programs(workshop)
    _kill(workshop, victim, program)
    workshop.provider.behave(script=SHORT)
    workshop.wait_until(lambda: not program.is_running() or not _is_agent(program), "the old agent to be gone")
    assert workshop.output(task)["answer"] == "done"
    nobody_is_left(workshop)
    workshop.wait_until(lambda: not workshop.held(), "nothing to be held")
    assert workshop.month()["settled_nusd"] - settled == workshop.provider.bill()["nusd"] - billed > 0
    assert account(workshop, f"task:{task}", "time")["held"] == 0


def _kill(workshop: Workshop, victim: str, program: psutil.Process) -> None:
    words = {"leash": "koubou/leash", "worker": "koubou.worker"}
    if victim == "master":
        workshop.kill()
        workshop.start()
        return
    found = [each for each in program.parents() if words[victim] in " ".join(each.cmdline())]
    found[0].send_signal(signal.SIGKILL)


@pytest.mark.parametrize("agent", BOTH)
def test_the_key_is_in_no_environment_file_or_process_list_of_an_agent(workshop: Workshop, agent: str) -> None:
    task = f"key-{agent}"
    workshop.provider.behave(script=LONG)
    ask_for(workshop, task, agent)
    at_work(workshop, task)
    (program,) = programs(workshop)
    tree: list[Any] = [program, *program.children(recursive=True), *program.parents()[:4]]
    for each in tree:
        if "koubou.worker" in " ".join(each.cmdline()):
            break
        assert API_KEY not in "".join(each.cmdline())
        assert API_KEY not in "".join(each.environ().values())
    the_key_is_nowhere(workshop)
    assert workshop.koubou("cancel", task).returncode == 0
    workshop.error(task)
