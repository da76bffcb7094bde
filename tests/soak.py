"""Bad weather for a workshop: everything that can happen to it happens, by chance from a seed, until it is left alone.

`Storm` makes the weather and keeps a list of what was dropped; `soak_audit` says what must hold once it is over.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from simulator import Simulator
from workshop import Workshop, a_tier, words_of

SECRET = "CODENAME-KINGFISHER"
BEHAVIOURS = (
    *("finished", "finished", "silent", "failing", "daemon", "pipe_holder", "hopper", "mute", "babbler", "lingerer"),
    *("deaf", "glutton", "stopped", "disguised", "unreaping", "rebel", "jailer", "talker"),
)
"""Of tests/stubs/hostile.py; all but the largest, since a soak shares its machine."""
BAD_FILES: Mapping[str, bytes] = {
    "unclosed.yaml": b"prompt: [a, b",
    "cut.json": b'{"prompt": "hel',
    "empty.yaml": b"",
    "binary.yaml": bytes(range(256)) * 40,
    "unknown-key.yaml": b"prompt: hello\npriorty: high\n",
    "half.yaml": b"prompt: good\n---\nprompt: [bad\n",
    "tag.yaml": b"prompt: !!python/object/apply:os.system ['true']\n",
    "deep.json": b'{"prompt": "x", "metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}
MOODS: tuple[Mapping[str, Any], ...] = (
    {},
    {},
    {"errors": {"rate": 0.2, "rate_silent": 0.1}},
    {"errors": {"server": 0.2, "overload": 0.1, "proxy": 0.1}, "bill_proxy_errors": True},
    {"cut_after_billing": 0.2, "missing_usage": 0.2},
    {"latency_ms": 1_500},
    {"stream_ms": 900, "cached_tokens": 5, "reasoning_tokens": 7},
    {"stalled": True},
    {"errors": {"proxy_json": 0.2}, "bill_proxy_errors": True},
    {"cut_after_billing": 0.2, "cut_politely": True, "count_along": True},
    {"errors": {"auth": 0.3}},
    {"errors": {"quota": 0.3}},
)
KINDS = {"koubou.worker": "worker", "koubou.hands": "hand", "koubou.nursery": "nursery"}


def calm() -> dict[str, Any]:
    """How the provider is when nothing is wrong with it: it says again what it was asked."""
    return {
        "latency_ms": 30,
        "stalled": False,
        "stream_ms": 0,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "errors": {},
        "cut_after_billing": 0,
        "missing_usage": 0,
        "bill_proxy_errors": False,
        "cut_politely": False,
        "count_along": False,
        "echo": True,
    }


def settings(provider: Simulator) -> dict[str, Any]:
    """Three tiers that a provider answers, one of a command that misbehaves; everything is impatient."""
    hurry = {"timeout": "4s", "retries": 6, "retry_delay": "100ms", "concurrency": 6, "workers": {"min": 0, "max": 2}}
    stub = str(Path(__file__).with_name("stubs") / "as_asked.py")
    agent = {
        "reach": "local",
        "executor": "command:stub",
        "model": "stub",
        "trusted_host": True,
        "sandbox": "off",
        "price": {"input": 0, "output": 0},
        "timeout": "1s",
        "retries": 1,
        "retry_delay": "100ms",
        "concurrency": 6,
        "workers": {"min": 0, "max": 1},
    }
    return {
        "tiers": {
            "high": a_tier(provider, "cloud", "gpt-5", **hurry, fallback="medium"),
            "medium": a_tier(provider, "cloud", "gpt-5-mini", **hurry, price={"input": 0.25, "output": 2}),
            "local": a_tier(provider, "house", "house-model", **hurry),
            "agent": agent,
        },
        "commands": {"stub": {"argv": [sys.executable, "-I", "-S", stub], "grace": "300ms"}},
        "routing": {"high": "high", "medium": "medium", "low": "local"},
        "workers": {"orphan_grace": "2s", "idle_timeout": "3s", "hang_after": "7s", "max_runs": 40},
        "intake": {"settle": "200ms"},
        "budget": {"monthly": {"usd": 1000}, "daily": {"usd": None}},
        "breaker": {"wait": "300ms", "longest_wait": "1s"},
    }


@dataclass
class Storm:
    """A workshop in bad weather. `done` counts what was done to it."""

    workshop: Workshop
    provider: Simulator
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    files: dict[str, list[str]] = field(default_factory=dict)
    """Names of the good files, and the ids of their documents."""
    contents: dict[str, Any] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    prompts: dict[str, str] = field(default_factory=dict)
    rolls: dict[str, Path] = field(default_factory=dict)
    """By task: where the processes of its command sign."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    """What masters that are gone have told."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._count = 0
        self._mood_ends = self._stopped_until = 0.0

    def rage(self, seconds: float) -> None:
        """Let things happen for so long."""
        acts: dict[Callable[[], None], float] = {
            self.drop_one: 30,
            self.drop_many: 4,
            self.drop_several: 4,
            self.drop_again: 3,
            self.drop_bad: 3,
            self.drop_agent: 10,
            self.cancel: 6,
            self.retry: 6,
            self.finish: 1,
            self.pause: 1.5,
            self.resume: 3,
            self.emergency: 0.4,
            self.end_emergency: 2,
            self.limit: 1.5,
            self.add: 1,
            self.change_mood: 4,
            self.reload: 1,
            self.kill_master: 1.5,
            self.stop_master: 0.7,
            self.kill_worker: 3,
            self.stop_worker: 0.3,
            self.kill_hand: 1.5,
            self.kill_nursery: 0.5,
            self.kill_leash: 4,
        }
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if time.monotonic() > self._mood_ends:
                self._be({})
            (act,) = self.random.choices(list(acts), list(acts.values()))
            act()
            time.sleep(self.random.choice((0, 0.01, 0.05, 0.1, 0.3)))

    def calm_down(self) -> None:
        """Leave it in peace: nothing fails any more, and everything that a person must let go on goes on."""
        self._be({})
        if self.workshop.process is None or self.workshop.process.poll() is not None:
            self._launch()
        self.workshop.wait_until(lambda: any(self.workshop.events("system.ready")), "a master at work", within=60)
        self.workshop.settings = {"log": self.workshop.settings["log"], "home": str(self.workshop.home)} | settings(
            self.provider
        )
        self.workshop.reload()
        self._ask("resume_budget", reason="the storm is over")
        self._ask("budget_set", scope="month", dimension="usd", amount="default", reason="the storm is over")
        for tier in (None, "high", "medium", "local", "agent"):
            self._ask("resume", **({} if tier is None else {"tier": tier}))

    # What people do

    def drop_one(self) -> None:
        wish = self.random.choice((*4 * ("",), "later", "needs", "needs_nobody", "hold", "secret", "urgent", "poor"))
        task = self._document()
        match wish:
            case "later":
                task["not_before"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
            case "needs" if self.prompts:
                task["depends_on"] = [self._some_task()]
            case "needs_nobody":
                task["depends_on"] = ["never-dropped"]
            case "hold":
                task["on_interrupt"] = "hold"
            case "secret":
                task |= {"sensitivity": "confidential", "prompt": f"{task['prompt']} {SECRET}"}
                del task["tier"]
            case "urgent":
                task["priority"] = "urgent"
            case "poor":
                task["budget"] = {"cost_usd": 0.001}
        self._drop(f"{task['id']}.{self.random.choice(('yaml', 'json'))}", [task])

    def drop_many(self) -> None:
        for _ in range(self.random.randint(5, 25)):
            self.drop_one()

    def drop_several(self) -> None:
        documents = [self._document() for _ in range(self.random.randint(2, 6))]
        self._drop(f"several-{documents[0]['id']}.yaml", documents)

    def drop_again(self) -> None:
        """The same once more in another file: one task is enough."""
        if self.files:
            first = self.random.choice(sorted(self.files))
            self._count += 1
            self._drop(f"again-{self._count}-{first}", self.contents[first])

    def drop_bad(self) -> None:
        self._count += 1
        kind = self.random.choice(sorted(BAD_FILES))
        name = f"bad-{self._count}-{kind}"
        self.bad.add(name)
        self.done["drop_bad"] += 1
        self._put(name, BAD_FILES[kind])

    def drop_agent(self) -> None:
        task = self._document()
        behaviour = self.random.choice(BEHAVIOURS)
        roll = self.workshop.folder / f"roll-{task['id']}"
        self.rolls[task["id"]] = roll
        task |= {"tier": "agent", "prompt": f"BEHAVE {behaviour} ROLL {roll}"}
        self.done[f"agent:{behaviour}"] += 1
        self._drop(f"{task['id']}.yaml", [task])

    def cancel(self) -> None:
        self._ask("cancel", ids=self._some_tasks())

    def retry(self) -> None:
        self._ask("retry", ids=self._some_tasks())

    def finish(self) -> None:
        self._ask("finish", ids=self._some_tasks())

    def pause(self) -> None:
        self._ask("pause", **self._a_tier())

    def resume(self) -> None:
        self._ask("resume", **self._a_tier())

    def emergency(self) -> None:
        self._signal(signal.SIGUSR2)

    def end_emergency(self) -> None:
        self._ask("resume_budget", reason="a drill")

    def limit(self) -> None:
        amount = self.random.choice((None, "default", 10**9, 100 * 10**9, 30 * 10**6))
        self._ask("budget_set", scope="month", dimension="usd", amount=amount, reason="a drill")

    def add(self) -> None:
        self._ask("budget_add", account=f"task:{self._some_task()}", dimension="usd", amount=10**7, reason="a drill")

    def reload(self) -> None:
        for tier in self.workshop.settings["tiers"].values():
            tier["concurrency"] = self.random.randint(1, 8)
        if self.random.random() < 0.2:
            self.workshop.write_settings("tiers: {high: {reach: nowhere}}\n")
            self.done["reload_refused"] += 1
        else:
            self.workshop.write_settings()
        self._signal(signal.SIGHUP)
        if self.random.random() < 0.5:
            time.sleep(0.2)
        self.workshop.write_settings()

    # What the world does

    def change_mood(self) -> None:
        mood = self.random.choice(MOODS)
        self._be(mood)
        self._mood_ends = time.monotonic() + self.random.uniform(0.5, 4)

    def kill_master(self) -> None:
        process = self.workshop.process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
            self.done["killed:master"] += 1
        time.sleep(self.random.choice((0, 0, 0, 0.2, 1, 3)))
        self._launch()
        self._maybe_wait()

    def stop_master(self) -> None:
        """As systemd does; who does not wait sends the signal twice."""
        process = self.workshop.process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        if self.random.random() < 0.5:
            time.sleep(self.random.uniform(0, 0.5))
            process.terminate()
        process.wait(60)
        self.done["stopped:master"] += 1
        self._launch()
        self._maybe_wait()

    def kill_worker(self) -> None:
        self._kill("worker")

    def kill_hand(self) -> None:
        self._kill("hand")

    def kill_nursery(self) -> None:
        self._kill("nursery")

    def kill_leash(self) -> None:
        self._kill("leash")

    def stop_worker(self) -> None:
        self._kill("worker", signal.SIGSTOP)

    # Means

    def _kill(self, kind: str, number: signal.Signals = signal.SIGKILL) -> None:
        found = [each for each in self._family() if kind_of(each) == kind]
        if found:
            with suppress(psutil.Error):
                self.random.choice(found).send_signal(number)
                self.done[f"{'killed' if number is signal.SIGKILL else 'halted'}:{kind}"] += 1

    def _family(self) -> list[psutil.Process]:
        process = self.workshop.process
        with suppress(psutil.Error):
            if process is not None and process.poll() is None:
                return psutil.Process(process.pid).children(recursive=True)
        return []

    def _launch(self) -> None:
        self.lines += self.workshop.lines
        self.workshop.launch()

    def _maybe_wait(self) -> None:
        """Mostly the next one gets as far as being ready; sometimes the weather does not wait for that."""
        if self.random.random() < 0.7:
            self.workshop.wait_until(lambda: any(self.workshop.events("system.ready")), "a master at work", within=60)

    def _signal(self, number: signal.Signals) -> None:
        """To a master that is ready: before that its handlers do not stand yet."""
        process = self.workshop.process
        if process is not None and process.poll() is None and any(self.workshop.events("system.ready")):
            process.send_signal(number)
            self.done[number.name] += 1

    def _be(self, mood: Mapping[str, Any]) -> None:
        self.provider.behave(**calm() | dict(mood))
        self._mood_ends = float("inf") if not mood else self._mood_ends
        self.done["moods"] += bool(mood)

    def _ask(self, verb: str, **arguments: Any) -> Any:
        """Through the control socket; None where no master hears."""
        with suppress(OSError, ValueError):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(10)
                line.connect(str(self.workshop.home / "run" / "control.sock"))
                line.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
                answer = json.loads(line.makefile("rb").readline())
                self.done[verb] += "ok" in answer
                return answer
        return None

    def _a_tier(self) -> dict[str, str]:
        tier = self.random.choice((None, "high", "medium", "local", "agent"))
        return {} if tier is None else {"tier": tier}

    def _document(self) -> dict[str, Any]:
        self._count += 1
        task = f"t{self._count}"
        return {"id": task, "prompt": f"I am {task}.", "tier": self.random.choice(("high", "medium", "local"))}

    def _some_task(self) -> str:
        return self.random.choice(list(self.prompts) or ["nobody"])

    def _some_tasks(self) -> list[str]:
        """Rather new ones: the old have long ended."""
        newest = list(self.prompts)[-40:] or ["nobody"]
        return sorted({self.random.choice(newest) for _ in range(self.random.randint(1, 4))})

    def _drop(self, name: str, documents: list[dict[str, Any]]) -> None:
        self.files[name] = [task["id"] for task in documents]
        self.contents[name] = documents
        self.prompts |= {task["id"]: task["prompt"] for task in documents}
        self.done["files"] += 1
        single = documents[0] if len(documents) == 1 else documents
        self._put(name, json.dumps(single) if name.endswith(".json") else single)

    def _put(self, name: str, content: Any) -> None:
        self.workshop.drop(name, content)


def kind_of(process: psutil.Process) -> str:
    """worker, hand, leash, or nothing of ours."""
    try:
        words = words_of(process)
    except psutil.Error:
        return ""
    if any(word.endswith(os.path.join("leash", "__main__.py")) for word in words):
        return "leash"
    return next((KINDS[word] for word in words if word in KINDS), "")
