"""No byte of what is confidential leaves the house: five hundred tasks, half of them with a secret, in bad weather.

The cloud keeps every byte that is sent to it, and half of the tasks are public, so that much is sent.
"""

from __future__ import annotations

import json
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from planted import CATEGORIES, Planted, plant
from recorder import Recorder
from simulator import Simulator
from workshop import OpenWorkshop, Workshop, a_tier

TASKS = 500
BATCHES = 5
ENDED = ("completed", "failed", "cancelled")
PLACES = ("prompt", "system", "title", "metadata", "messages", "file", "file name", "expect", "schema")
TYPES = ("general", "bug_fix", "testing", "documentation")
EXPLAIN_ALL = "import sys; from koubou.cli.main import main; [main(['explain', name]) for name in sys.argv[1:]]"


@pytest.fixture
def house() -> Iterator[Simulator]:
    """The local model: a process of its own, which may end and begin again. It says again what it is asked."""
    with Simulator({"house-model": {}}) as house:
        house.behave(echo=True, errors={"server": 0.05})
        yield house


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def settings(provider: Simulator, house: Simulator, recorder: Recorder, folder: Path) -> dict[str, Any]:
    """Everything tempts: what is local falls back on the cloud, and the cloud judges tasks and answers."""
    quick = {"retry_delay": "20ms", "retries": 2, "concurrency": 32}
    local = a_tier(house, "house", "house-model", fallback="small", **quick | {"retries": 30})
    return {
        "tiers": {
            "high": a_tier(provider, "cloud", "gpt-5", fallback="medium", **quick),
            "medium": a_tier(provider, "cloud", "gpt-5-mini", fallback="local", **quick),
            "local": local,
            "small": a_tier(provider, "cloud", "gpt-small", **quick),
        },
        "routing": {
            "high": "high",
            "medium": "medium",
            "low": "local",
            "judge": "small",
            "on_lesser_tier": {"general": "verify", "bug_fix": "simplify", "testing": "verify"},
        },
        "judge": {"tier": "high", "threshold": 0.5},
        "breaker": {"wait": "300ms", "longest_wait": "600ms"},
        "guardian": {"webhook": recorder.webhook},
        "security": {"allowed_workspaces": [str(folder)]},
    }


class Temptations:
    """Makes tasks, and knows what of them nobody outside may see."""

    def __init__(self, folder: Path, tiers: Sequence[str], seed: int = 7) -> None:
        self.folder, self.tiers = folder, tiers
        self.values: list[str] = []
        self.secret: set[str] = set()
        self.public: set[str] = set()
        self._chance = Random(seed)
        self._kinds = list(CATEGORIES)

    def some(self, count: int) -> dict[str, Mapping[str, Any]]:
        """Task files: half of the tasks are public, every fourth secret one is read by a task that looks public."""
        files: dict[str, Mapping[str, Any]] = {}
        while len(files) < count:
            number = len(self.secret) + len(self.public)
            if number % 2:
                files[f"p{number}.yaml"] = self._plain(f"p{number}", self.public)
                continue
            name = f"s{number}"
            files[f"{name}.yaml"] = self._secret(name, number // 2)
            if number % 8 == 0:
                reader = self._plain(f"r{number}", self.secret)
                told = "Say again: {{ inputs.found }}"
                files[f"r{number}.yaml"] = {**reader, "prompt": told, "depends_on": [name], "inputs": {"found": name}}
        return files

    def _plain(self, name: str, among: set[str]) -> dict[str, Any]:
        among.add(name)
        wishes = {
            "difficulty": self._chance.choice(["auto", "high", "medium", "low"]),
            "type": self._chance.choice(TYPES),
            "max_output_tokens": self._chance.choice([40, 400]),
            "sensitivity": self._chance.choice(["auto", "public"]),
            "expect": self._chance.choice([[], ["a conclusion"]]),
        }
        return {"id": name, "prompt": "Compare two ways to sort a list of names, and give an example.", **wishes}

    def _secret(self, name: str, number: int) -> dict[str, Any]:
        task = self._plain(name, self.secret)
        if number % 3 == 0:
            task["tier"] = self._chance.choice(self.tiers)
        planted = self._planted(self._kinds[number % len(self._kinds)])
        place = PLACES[number % len(PLACES)]
        if place == "file name" and ("/" in planted.text or "\n" in planted.text):
            place = "file"
        if place == "messages":
            del task["prompt"]
        return {**task, **self._placed(place, planted.text, name)}

    def _planted(self, kind: str) -> Planted:
        planted = plant(self._chance, kind)
        self.values += planted.values
        return planted

    def _placed(self, place: str, text: str, name: str) -> dict[str, Any]:
        match place:
            case "file" | "file name":
                file = text if place == "file name" else f"{name}.txt"
                (self.folder / file).write_text("nothing" if place == "file name" else text)
                return {"workspace": str(self.folder), "files": [file]}
            case "messages":
                said = [("user", text), ("assistant", "I see."), ("user", "And now?")]
                return {"messages": [{"role": role, "content": content} for role, content in said]}
            case "metadata":
                return {"metadata": {"ticket": {"notes": ["from Monday", text]}}}
            case "expect":
                return {"expect": [text]}
            case "schema":
                schema = {"type": "object", "properties": {"answer": {"type": "string", "description": text}}}
                return {"response_format": schema}
            case "title":
                return {"prompt" if "\n" in text else "title": text}
        return {place: text}


def seen(values: Sequence[str], text: str) -> list[str]:
    """Which of the planted values stand in a text, in whatever way JSON writes them."""
    return [value for value in values if value in text or json.dumps(value)[1:-1] in text]


def explained(workshop: Workshop, tasks: Sequence[str]) -> str:
    """`koubou explain` of each."""
    words = [sys.executable, "-c", EXPLAIN_ALL, *tasks]
    done = subprocess.run(words, env=workshop.environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count("How it came here") > len(tasks) / 2, done.stderr
    return done.stdout + done.stderr


def journal_of(workshop: Workshop) -> str:
    """All that the master ever said."""
    lines = [json.dumps(line, ensure_ascii=False) for line in workshop.lines]
    return "\n".join([*lines, *workshop.stray_output, (workshop.folder / "stderr").read_text(errors="replace")])


def test_of_five_hundred_tasks_no_secret_reaches_the_cloud_whatever_fails(
    open_workshop: OpenWorkshop, provider: Simulator, house: Simulator, recorder: Recorder, tmp_path: Path
) -> None:
    tempting = Temptations(tmp_path, ["high", "medium", "small"])
    workshop = open_workshop(**settings(provider, house, recorder, tmp_path)).start()
    provider.behave(output_tokens=60, errors={"server": 0.06, "context": 0.02, "rate": 0.03}, cut_after_billing=0.02)
    provider.behave(model="gpt-5", answer='{"score": 0.2, "missing": "all"}')
    provider.behave(model="gpt-small", errors={"server": 0.3})
    flapping = threading.Thread(target=_flap, args=(house,), daemon=True)
    for batch in range(BATCHES):
        if batch == 1:
            house.end()  # the local model is down
        if batch == 2:
            house.begin()
            house.behave(echo=True, errors={"server": 0.05, "not_found": 0.1})
        if batch == 3:
            workshop.settings["judge"] = {}  # whoever answered verifies
            workshop.reload()
            flapping.start()
        before = provider.bill()["calls"]
        workshop.drop_all(tempting.some(TASKS // BATCHES))
        if batch == 0:
            _refuse_some(workshop, tempting)
        workshop.wait_until(lambda before=before: provider.bill()["calls"] > before + 30, "the cloud to be asked")
    flapping.join()
    workshop.wait_for_ends(TASKS)
    _pull_the_stop(workshop)
    recorder.wait_for(lambda: recorder.posts)

    told = {
        "the cloud": provider.heard(),
        "the guardian": recorder.text(),
        "explain": explained(workshop, sorted(tempting.secret)),
        "the journal": journal_of(workshop),
        "refused files": "".join(path.read_text() for path in workshop.home.glob("tasks/rejected/*.error.json")),
        "history": str(workshop.sql("SELECT reason FROM history")),
    }
    leaks = {where: found for where, text in told.items() if (found := seen(tempting.values, text))}
    assert not leaks
    assert len(set(tempting.values)) > len(tempting.secret) / 2
    _went_where_they_may(workshop, provider, tempting)


def _flap(house: Simulator) -> None:
    for _ in range(3):
        house.end()
        house.begin()
        house.behave(echo=True)


def _refuse_some(workshop: Workshop, tempting: Temptations) -> None:
    """Files that are wrong, with secrets in what is wrong about them."""
    for number, kind in enumerate(CATEGORIES):
        secret = tempting._planted(kind).text
        wrong: Sequence[Mapping[str, Any]] = (
            {"prompt": "x", secret: 1},
            {"prompt": "x", "difficulty": secret},
            {"prompt": "x", "priority": secret},
            {"prompt": "x", "tier": secret},
            {"prompt": secret, "depends_on": 5},
            {"prompt": "x", "files": [secret.replace("\n", " ")], "workspace": str(tempting.folder)},
        )
        workshop.drop(f"wrong{number}.yaml", wrong[number % len(wrong)])
    workshop.drop("torn.yaml", "prompt: [" + secret)
    workshop.wait_until(lambda: len(workshop.rejected) > len(CATEGORIES), "wrong files to be refused")


def _pull_the_stop(workshop: Workshop) -> None:
    workshop.signal(signal.SIGUSR2)
    workshop.wait_for_event("guardian.told", channel="webhook")


def _went_where_they_may(workshop: Workshop, provider: Simulator, tempting: Temptations) -> None:
    """What is secret was done in the house; what is not went everywhere, by every way."""
    levels = dict(workshop.sql("SELECT task_id, sensitivity_level FROM task_master"))
    confidential = {task for task, level in levels.items() if level == "confidential"}
    # A reader whose source failed was never given what it found.
    assert {task for task in tempting.secret if task[0] == "s"} <= confidential <= tempting.secret
    runs = workshop.sql("SELECT t.id, r.tier, r.purpose FROM run r JOIN task t ON t.seq = r.task")
    assert {tier for task, tier, _ in runs if task in tempting.secret} == {"local"}
    assert {tier for task, tier, _ in runs if task in tempting.public} == {"high", "medium", "small", "local"}
    assert {purpose for _, _, purpose in runs} == {"answer", "difficulty", "judge"}
    assert len(tempting.secret & workshop.completed) > 0.9 * len(tempting.secret)
    assert len(tempting.public & workshop.completed) > 0.9 * len(tempting.public)
    events = {event for (event,) in workshop.sql("SELECT DISTINCT event FROM history")}
    assert {"task.upgraded", "task.retried", "task.judged", "task.parked"} <= events
    assert provider.bill()["calls"] > len(tempting.public)


class Proxy(socketserver.ThreadingTCPServer):
    """What an environment names as its proxy; keeps every byte that comes, and answers nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        heard = self.heard

        class Door(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                heard.append(self.request.recv(65536))

        super().__init__(("127.0.0.1", 0), Door)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy
        proxy.shutdown()


def test_no_secret_takes_a_way_out_that_a_server_a_name_or_the_environment_opens(
    open_workshop: OpenWorkshop, provider: Simulator, house: Simulator, proxy: Proxy, tmp_path: Path
) -> None:
    """The local server sends elsewhere, another tier is local by its address only, and there are proxies."""
    tempting = Temptations(tmp_path, ["high", "remote"], seed=11)
    tiers = {
        "high": a_tier(provider, "cloud", "gpt-5"),
        "local": a_tier(house, "house", "house-model", retries=1, fallback="remote"),
        "remote": a_tier(house, "house", "gpt-oss:120b-cloud", retries=1, fallback="high"),
    }
    routing = {"high": "high", "medium": "high", "low": "local", "judge": "high"}
    workshop = open_workshop(
        tiers=tiers,
        routing=routing,
        breaker={"wait": "300ms"},
        security={"allowed_workspaces": [str(tmp_path)]},
    )
    address = f"http://127.0.0.1:{proxy.server_address[1]}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        workshop.environment |= {name: address, name.lower(): address}
    workshop.environment |= {"NO_PROXY": "", "no_proxy": ""}
    house.behave(redirect_to=f"{provider.base_url}/chat/completions", errors={})
    workshop.start()
    workshop.drop_all(tempting.some(80))
    workshop.wait_until(lambda: tempting.public <= workshop.completed, "what is public to be answered")
    assert not workshop.rejected
    workshop.wait_for_event("tier.degraded", tier="local")
    workshop.wait_until(lambda: not _under_way(workshop), "nothing to be under way")
    assert house.bill()["kinds"]["redirect"] >= 5
    assert {each["model"] for each in house.requests()} == {"house-model"}, "a name of the cloud is no local model"
    assert not seen(tempting.values, provider.heard())
    assert {each["door"] for each in provider.requests()} == {"cloud"}
    assert proxy.heard == []
    assert not seen(tempting.values, journal_of(workshop))
    assert not workshop.completed & tempting.secret

    house.behave(redirect_to=None)
    assert workshop.failed == set()
    workshop.wait_until(lambda: tempting.secret <= workshop.completed, "what is secret to be answered in the house")
    assert not seen(tempting.values, provider.heard())
    assert proxy.heard == []


def _under_way(workshop: Workshop) -> list[Any]:
    return workshop.sql("SELECT 1 FROM task WHERE filed_at IS NULL AND (park IS NULL OR park_until IS NOT NULL)")
