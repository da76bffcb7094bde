"""The escape drill: an agent tries whatever an agent could try, and nothing of it comes off but what it may do."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from at_the_bench import (
    BOTH,
    a_bench,
    a_workspace,
    an_agents_tier,
    ask_for,
    error_of,
    output_of,
    the_key_is_nowhere,
    the_ledger_is_the_bill,
)
from hosts_doors import HEARD, Doors, answer_of
from inside import needs_walls
from simulator import Simulator
from workshop import API_KEY, STARTUP_MARK, OpenWorkshop, Workshop

pytestmark = needs_walls
PROGRAM = str(Path(__file__).parents[1] / "stub_agents" / "stub_agent.py")
NEEDLE = "what-another-task-is-about"
LEFT = "40961"
"""Seconds that who is left behind sleeps: a number to know him by."""
ALLOWED = frozenset({"environment", "detach", "deaf"})
"""What it may do: to know its own environment, and to start what ends with it."""
STUB: Mapping[str, Any] = {"program": PROGRAM, "grace": "300ms", "file_size": "4MB"}
HASTY: Mapping[str, Any] = {**STUB, "idle": "10s"}
FAILS = {
    "quiet": ([["detach", LEFT], ["deaf"], ["hang"]], "timeout", "idle"),
    "early": ([["no_end"]], "cut", "no_answer"),
    "liar": ([["failure"], ["exit", "0"]], "server", "turn_failed"),
    "status": ([["exit", "3"]], "server", "exit_3"),
    "flood": ([["flood", "80"]], "server", "output"),
}
PARKS = {"edits": [["edits", "3000"]], "commands": [["commands", "3000"]]}


class Drill:
    """A workshop at which everything was tried at once: what there is to be told of it afterwards."""

    def __init__(self, workshop: Workshop, doors: Doors) -> None:
        self.workshop = workshop
        self.doors = doors
        self.leaves = workshop.home / "tasks"
        self._other_is_at_work()
        self.ask("late", "hasty", ["detach", LEFT], ["hang_after_end"])
        self.escapes = self._escapes()
        for agent in BOTH:
            self.ask(f"escape-{agent}", agent, *self.escapes)
        for name, (misdeeds, _, _) in FAILS.items():
            self.ask(name, "hasty" if name == "quiet" else "codex", *misdeeds)
        for name, misdeeds in PARKS.items():
            self.ask(name, "claude", *misdeeds)
        self.all_ends()

    def ask(self, task: str, tier: str, *misdeeds: list[str]) -> None:
        """Drop a task whose agent does this first."""
        ask_for(self.workshop, task, tier, prompt="Do this:\n" + json.dumps({"misbehave": misdeeds}))

    def _escapes(self) -> list[list[str]]:
        """Every way out that is known, with the addresses of this workshop."""
        home, other = self.workshop.home, self.leaves / "in_progress/other"
        pids = [each.pid for each in self.workshop.notice_processes()]
        secrets = [home / "board/koubou.db", home / "board", home / "secrets", home, self.workshop.config]
        secrets += [
            self.leaves,
            other,
            other / "task.yaml",
            other / "runs/1/work/README.md",
            other / "runs/1/log.jsonl",
        ]
        secrets += [self.workspace("other"), Path("/etc/shadow"), Path("/root/.ssh"), Path(__file__)]
        return [
            *(["peek", str(path)] for path in secrets),
            *(["peek", f"/proc/{pid}/{name}"] for pid in pids for name in ("environ", "root", "cwd", "mem")),
            *(["poke", str(path)] for path in (home / "board/koubou.db", self.leaves, other, home / "secrets")),
            *(["poke", path] for path in ("/usr/bin", "/etc/passwd", "/proc/sys/kernel/core_pattern", "/run/koubou")),
            *(["poke", str(self.workspace("other"))], ["poke", PROGRAM]),
            ["processes", "koubou.worker", "koubou.hands", "serve --config", "pytest"],
            *(["signal", str(pid)] for pid in (*pids, os.getpid())),
            ["unix", str(home / "run/control.sock")],
            ["unix", str(other / "runs/1/gateway.sock")],
            *self.doors.misdeeds(),
            ["elsewhere", f"{self.workshop.provider.door('elsewhere')}/responses"],
            ["huge", "huge.bin", "8"],
            *(["environment"], ["detach", LEFT], ["deaf"]),
        ]

    def workspace(self, task: str) -> Path:
        (root,) = self.workshop.settings["security"]["allowed_workspaces"]
        return Path(root) / task

    def events(self, task: str) -> list[dict[str, Any]]:
        """What its agent said, as it stands in the run's folder."""
        (log,) = self.leaves.glob(f"*/{task}/runs/1/log.jsonl")
        return [json.loads(line) for line in log.read_text().splitlines()]

    def misdeeds(self, task: str) -> list[dict[str, Any]]:
        return [event for event in self.events(task) if event["type"] == "misdeed"]

    def park(self, task: str) -> dict[str, Any]:
        park: dict[str, Any] = self.workshop.show(task)["park"]
        return park

    def _other_is_at_work(self) -> None:
        """A task beside it, under way as long as the drill lasts: it has a gateway, a workspace and words."""
        (a_workspace(self.workshop, "other") / "README.md").write_text(NEEDLE)
        prompt = f"{NEEDLE}\n" + json.dumps({"misbehave": [["hang"]]})
        ask_for(self.workshop, "other", "codex", prompt=prompt, workspace=self.workspace("other"))
        log = self.leaves / "in_progress/other/runs/1/log.jsonl"
        self.workshop.wait_until(lambda: log.exists() and log.stat().st_size > 0, "the other task to be at work")

    def all_ends(self) -> None:
        """Until each has come to its end."""
        ends = {*FAILS, "late", *(f"escape-{agent}" for agent in BOTH)}
        here = self.workshop
        here.wait_until(lambda: ends <= here.completed | here.failed, f"{ends} to end", within=60, every=0.1)
        for task in PARKS:
            here.wait_for_park(task, "operator")
        assert here.koubou("cancel", "other").returncode == 0
        here.wait_until(lambda: "other" in here.failed, "the other task to be cancelled")


@pytest.fixture(scope="module")
def drill() -> Iterator[Drill]:
    changes = {"agent": STUB, "concurrency": 16, "fallback": None}
    with tempfile.TemporaryDirectory(prefix="kb-host-", dir="/var/tmp") as folder, Doors(Path(folder)) as doors:
        with a_bench(codex=changes, claude=changes) as workshop:
            hasty = an_agents_tier(workshop.provider, "codex", **changes | {"agent": HASTY})
            workshop.settings["tiers"]["hasty"] = hasty
            workshop.write_settings()
            workshop.provider.behave(script=[{"tool": "ln -s /etc/shadow shadow"}, {"say": "done"}], output_tokens=40)
            yield Drill(workshop.start(), doors)


@pytest.mark.parametrize("agent", BOTH)
def test_nothing_that_an_agent_tries_comes_off_but_what_it_may(drill: Drill, agent: str) -> None:
    tried = drill.misdeeds(f"escape-{agent}")
    assert len(tried) == len(drill.escapes)
    assert [each for each in tried if each["could"] and each["name"] not in ALLOWED] == []
    assert {each["name"] for each in tried if each["could"]} == ALLOWED
    assert output_of(drill.workshop, f"escape-{agent}")["answer"] == "done"


@pytest.mark.parametrize("agent", BOTH)
def test_its_environment_is_its_own_and_holds_no_key(drill: Drill, agent: str) -> None:
    (told,) = [each for each in drill.misdeeds(f"escape-{agent}") if each["name"] == "environment"]
    environment = json.loads(told["how"])
    assert not environment.keys() & {STARTUP_MARK, "PROVIDER_KEY", "KOUBOU_CONFIG"}
    assert API_KEY not in told["how"]


def test_nobody_on_the_host_was_reached_though_they_answer(drill: Drill) -> None:
    assert drill.doors.reached == []
    assert not drill.workshop.provider.requests("elsewhere")
    assert [answer_of(*each) for each in drill.doors.misdeeds()] == [HEARD] * 4


def test_nobody_is_left_of_those_who_went_away(drill: Drill) -> None:
    lines = [each.info["cmdline"] or [] for each in psutil.process_iter(["cmdline"])]
    assert [line for line in lines if line[-1:] == [LEFT] or PROGRAM in line] == []


def test_the_key_and_what_others_are_about_went_nowhere(drill: Drill) -> None:
    the_key_is_nowhere(drill.workshop)
    for agent in BOTH:
        assert NEEDLE not in json.dumps(drill.events(f"escape-{agent}"))


@pytest.mark.parametrize("agent", BOTH)
def test_a_link_out_of_its_folder_comes_back_as_a_link(drill: Drill, agent: str) -> None:
    changes = output_of(drill.workshop, f"escape-{agent}")["changes"]
    assert "shadow" in {each["path"] for each in changes["files"]}
    (patch,) = drill.leaves.glob(f"completed/escape-{agent}/runs/1/changes.patch")
    assert "+/etc/shadow" in patch.read_text(errors="replace")
    assert "root:" not in patch.read_text(errors="replace")


@pytest.mark.parametrize("task", FAILS)
def test_an_agent_that_ends_badly_fails_with_what_it_did(drill: Drill, task: str) -> None:
    _, kind, code = FAILS[task]
    error = error_of(drill.workshop, task)
    assert (error["class"], error["code"]) == (kind, code)


@pytest.mark.parametrize("task", PARKS)
def test_an_agent_that_does_too_much_is_ended_and_a_person_is_asked(drill: Drill, task: str) -> None:
    park = drill.park(task)
    assert park["reason"] == "operator"
    assert f"koubou budget add {task}" in park["detail"]
    assert not (drill.workspace(task) / "edit-0").exists()


def test_an_agent_that_stays_after_its_last_word_has_done_its_work(drill: Drill) -> None:
    assert output_of(drill.workshop, "late")["answer"] == "done"


def test_what_it_said_can_be_read_as_it_came(drill: Drill) -> None:
    done = drill.workshop.koubou("log", "early", "--events", "--json")
    (log,) = drill.leaves.glob("failed/early/runs/1/log.jsonl")
    assert (done.returncode, done.stdout) == (0, log.read_text())
    assert json.loads(done.stdout.splitlines()[0])["type"] == "thread.started"


def test_the_ledger_is_the_bill(drill: Drill) -> None:
    the_ledger_is_the_bill(drill.workshop)


def test_an_agent_without_a_sandbox_is_told_of_and_gets_nothing_confidential(
    provider: Simulator, open_workshop: OpenWorkshop, tmp_path: Path
) -> None:
    house = {"reach": "local", "base_url": provider.door("house"), "price": {"input": 0, "output": 0}, "api_key": None}
    bare = {**an_agents_tier(provider, "codex"), **house, "sandbox": "none", "agent": STUB}
    (tmp_path / "project").mkdir()
    routing = dict.fromkeys(("high", "medium", "low"), "bare")
    security = {"allowed_workspaces": [str(tmp_path)]}
    workshop = open_workshop(tiers={"bare": bare}, routing=routing, security=security).start()
    for task, prompt in (("plain", "I am plain."), ("secret", "db_password = 'Tr0ub4dor-planted-9'")):
        ask_for(workshop, task, "bare", prompt=prompt, workspace=tmp_path / "project")
    workshop.output("plain")
    assert "bare runs without a sandbox" in workshop.wait_for_park("secret", "secrecy")["park"]["detail"]
    assert "planted" not in provider.heard()
    assert workshop.status()["without_sandbox"] == ["bare"]
    told = workshop.koubou("doctor")
    assert "run without a sandbox: bare" in told.stdout
