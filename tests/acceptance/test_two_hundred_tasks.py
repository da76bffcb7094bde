"""Tasks of all kinds dropped at once all end, the ledger is the provider's bill, and no secret leaves the house."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from simulator import Simulator
from workshop import Workshop, a_tier, three_tiers

TYPES = (
    "code_generation",
    "code_review",
    "refactoring",
    "testing",
    "documentation",
    "architecture",
    "algorithm",
    "general",
    "question_answering",
    "code_modification",
    "bug_fix",
    "feature_implementation",
)
OUTPUT_WORDS = {
    *("task", "status", "type", "answer", "model", "tier", "executor", "sensitivity", "difficulty", "route", "usage"),
    *("cost_nusd", "cost_usd", "attempts", "created_at", "started_at", "finished_at"),
}
USAGE_WORDS = {
    *("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "calls"),
}
PRIORITIES: tuple[object, ...] = ("urgent", "high", "normal", "low", "background", 1, 5, 10)

# Secrets that are none: made up for this test, in shapes that scanners know.
PRIVATE_KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAplantedplantedplantedplanted\n-----END RSA PRIVATE KEY-----"
)
SECRETS = (
    "password = 'Tr0ub4dor-and-3-planted'",
    "aws_access_key_id = AKIAZ7PLANTED2KEYXY5\naws_secret_access_key = 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",
    PRIVATE_KEY,
    "api_key: sk-proj-plantedplantedplanted1234567890abcdef",
)
TRACES = ("Tr0ub4dor", "AKIAZ7PLANTED2KEYXY5", "PLANTEDKEY", "plantedplanted", "CODENAME-HERON")


@dataclass
class Drop:
    """What is dropped, and what should become of it."""

    files: dict[str, Any] = field(default_factory=dict)
    completed: int = 0
    failed: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    confidential: set[str] = field(default_factory=set)
    in_the_house: set[str] = field(default_factory=set)

    def add(self, name: str, *documents: Mapping[str, Any]) -> None:
        self.files[name] = documents[0] if len(documents) == 1 else list(documents)
        self.completed += len(documents)


def everything(workspace: str) -> Drop:
    """200 tasks that end, beside files that are refused or say the same thing twice."""
    drop = Drop()
    for part in (_of_every_type, _several_in_one_file, _in_json, _talks, _with_files, _secret, _waiting, _failing):
        part(drop, workspace)
    for number in range(200 - drop.completed - len(drop.failed)):
        drop.add(f"plain-{number}.yaml", {"prompt": f"Say the number {number}.", "priority": number % 10 + 1})
    _refused(drop)
    return drop


def _of_every_type(drop: Drop, _: str) -> None:
    for number, kind in enumerate(TYPES * 2):
        asked = {"prompt": f"A task of type {kind}, number {number}.", "type": kind}
        difficulty = ("auto", "high", "medium", "low")[number % 4]
        drop.add(f"type-{number}.yml", {**asked, "priority": PRIORITIES[number % 8], "difficulty": difficulty})


def _several_in_one_file(drop: Drop, _: str) -> None:
    for number in range(10):
        documents = [{"id": f"part-{number}-{each}", "prompt": f"Part {each} of {number}"} for each in "abc"]
        drop.add(f"several-{number}.yaml", *documents)


def _in_json(drop: Drop, _: str) -> None:
    for number in range(15):
        drop.add(f"json-{number}.json", {"prompt": f"日本語の課題 {number} \U0001f3ee", "metadata": {"ticket": number}})


def _talks(drop: Drop, _: str) -> None:
    for number in range(10):
        messages = [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Good day"},
            {"role": "user", "content": f"Question {number}?"},
        ]
        drop.add(f"talk-{number}.yaml", {"messages": messages, "session": "talks"})
        drop.add(
            f"system-{number}.yaml", {"prompt": "Who are you?", "system": f"You are clerk {number}.", "tier": "auto"}
        )
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    for number in range(5):
        drop.add(f"shape-{number}.yaml", {"id": f"shape-{number}", "prompt": "Yes?", "response_format": schema})


def _with_files(drop: Drop, workspace: str) -> None:
    for number in range(10):
        task = {"prompt": "Read the note.", "workspace": workspace, "files": ["note.txt"], "difficulty": "high"}
        drop.add(f"files-{number}.yaml", {"id": f"files-{number}", **task})


def _secret(drop: Drop, workspace: str) -> None:
    tasks: dict[str, dict[str, Any]] = {}
    for number in range(16):
        secret = SECRETS[number % 4]
        where = ("prompt", "system", "messages", "prompt")[number // 4]
        task: dict[str, Any] = {"prompt": "Mend this.", "difficulty": "high", "tier": ("auto", "gpt5_high")[number % 2]}
        if where == "messages":
            del task["prompt"]
            task["messages"] = [{"role": "user", "content": f"Mend this:\n{secret}"}]
        else:
            task[where] = f"Mend this:\n{secret}\nand be quick."
        tasks[f"secret-{number}"] = task
    tasks["secret-file"] = {"prompt": "Read it.", "workspace": workspace, "files": ["deploy.env"], "difficulty": "high"}
    tasks["secret-by-word"] = {"prompt": "CODENAME-HERON ships in May.", "sensitivity": "confidential"}
    # Who reads a confidential answer is confidential: this answer carries the secret on.
    tasks["secret-reader"] = {
        "prompt": "Sum up: {{ inputs.secret }}",
        "depends_on": ["secret-by-word"],
        "inputs": {"secret": "secret-by-word"},
        "difficulty": "high",
    }
    for name, task in tasks.items():
        drop.add(f"{name}.yaml", {"id": name, **task})
    drop.confidential |= set(tasks)
    drop.in_the_house |= set(tasks)
    for number in range(5):
        drop.add(f"internal-{number}.yaml", {"prompt": f"Roster {number}", "sensitivity": "internal"})


def _waiting(drop: Drop, _: str) -> None:
    for number in range(10):
        plan, build = f"plan-{number}", f"build-{number}"
        reader = {"depends_on": [plan], "inputs": {"plan": plan}}
        drop.add(f"{build}.yaml", {"id": build, "prompt": "Build by this: {{ inputs.plan }}", **reader})
        drop.add(f"{plan}.yaml", {"id": plan, "prompt": f"Plan number {number}"})
        past = {"not_before": "2024-12-01T09:00:00+09:00", "priority": "high"}
        drop.add(f"past-{number}.yaml", {"prompt": f"Long due {number}", **past})


def _failing(drop: Drop, _: str) -> None:
    for number in range(4):
        name = f"nobody-{number}"
        drop.files[f"{name}.yaml"] = {"id": name, "prompt": "Ask nobody", "tier": "broken"}
        drop.failed.add(name)
    drop.files["after-nobody.yaml"] = {"id": "after-nobody", "prompt": "Then what?", "depends_on": ["nobody-0"]}
    drop.failed.add("after-nobody")


def _refused(drop: Drop) -> None:
    twice = {"id": "twice", "prompt": "Said twice, done once."}
    drop.files |= {f"twice-{number}.yaml": twice for number in range(3)}
    drop.files |= {
        "words.yaml": {"id": "words", "prompt": "Some words."},
        "other-words.yaml": {"id": "Words", "prompt": "The same id (but for its case) with other words."},
        "unknown-key.yaml": {"prompt": "Hello", "priorty": "high"},
        "no-prompt.yaml": {"title": "Nothing is asked"},
        "broken.yaml": "prompt: [unclosed",
        "broken.json": '{"prompt": "no end',
        "half-good.yaml": [{"prompt": "I am fine."}, {"prompt": "I am not.", "type": "poetry"}],
    }
    drop.completed += 2
    # Which of the two files of words comes first is chance; the other is refused.
    drop.rejected |= {"unknown-key.yaml", "no-prompt.yaml", "broken.yaml", "broken.json", "half-good.yaml"}


@dataclass(frozen=True)
class Day:
    """A workshop after its day's work, what was dropped, and its provider."""

    workshop: Workshop
    drop: Drop
    provider: Simulator

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        return {task: self.workshop.output(task) for task in self.workshop.completed}


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    with Simulator() as provider:
        provider.behave(latency_ms=20, output_tokens=40, cached_tokens=8, errors={"rate": 0.03, "server": 0.03}, seed=5)
        provider.behave(model="nobody", errors={"not_found": 1.0})
        # The house model repeats what it was asked: its answers to secret tasks are as secret as those.
        provider.behave(model="house-model", echo=True)
        with Workshop(provider) as workshop:
            workspace = workshop.folder / "space"
            workspace.mkdir()
            (workspace / "note.txt").write_text("the note says MARKED-NOTE")
            (workspace / "deploy.env").write_text(SECRETS[0])
            tiers = three_tiers(provider)
            tiers["broken"] = a_tier(provider, "cloud", "nobody")
            workshop.settings |= {"tiers": tiers, "security": {"allowed_workspaces": [str(workspace)]}}
            workshop.write_settings()
            workshop.start()
            drop = everything(str(workspace))
            workshop.drop_all(drop.files)
            workshop.wait_for_ends(drop.completed + len(drop.failed), within=120)
            yield Day(workshop, drop, provider)


def test_each_task_ends_as_it_should(day: Day) -> None:
    assert day.workshop.failed == day.drop.failed
    assert len(day.workshop.completed) == day.drop.completed
    ended = {"completed": day.drop.completed, "failed": len(day.drop.failed)}
    day.workshop.wait_until(lambda: day.workshop.counts() == ended, "the board to say the same")


def test_nothing_of_what_was_dropped_is_left_or_lost(day: Day) -> None:
    assert day.drop.rejected <= day.workshop.rejected
    assert day.workshop.rejected - day.drop.rejected in ({"words.yaml"}, {"other-words.yaml"})
    assert not day.workshop.waiting_files
    assert not list((day.workshop.home / "tasks" / "in_progress").iterdir())


def test_the_ledger_is_the_bill_to_the_nano_dollar(day: Day) -> None:
    bill, month = day.provider.bill(), day.workshop.month()
    assert bill["nusd"] > 0
    assert month["settled_nusd"] == bill["nusd"]
    assert month["unreconciled_usd"] == 0
    assert sum(output["cost_nusd"] for output in day.outputs.values()) == bill["nusd"]
    spent, prompt, completion = day.workshop.sql(
        "SELECT SUM(cost_usd), SUM(prompt_tokens), SUM(completion_tokens) FROM cost_tracking"
    )[0]
    assert spent == pytest.approx(bill["usd"], abs=1e-9)
    assert (prompt, completion) == (bill["input_tokens"], bill["output_tokens"])


def test_at_rest_nothing_is_held_and_no_place_is_taken(day: Day) -> None:
    assert day.workshop.held() == {}
    assert {name: tier["running"] for name, tier in day.workshop.status()["tiers"].items() if tier["running"]} == {}


def test_no_secret_was_sent_to_the_cloud(day: Day) -> None:
    sent = day.provider.received("cloud")
    assert [trace for trace in TRACES if trace in sent] == []
    kept = day.provider.received("house")
    assert [trace for trace in TRACES if trace not in kept] == []


def test_no_secret_stands_in_the_journal(day: Day) -> None:
    told = json.dumps(day.workshop.lines, ensure_ascii=False) + (day.workshop.folder / "stderr").read_text()
    assert [trace for trace in TRACES if trace in told] == []


def test_confidential_tasks_were_answered_in_the_house(day: Day) -> None:
    outputs = day.outputs
    assert {task: outputs[task]["tier"] for task in day.drop.in_the_house if outputs[task]["tier"] != "local"} == {}
    assert {outputs[task]["sensitivity"] for task in day.drop.confidential} == {"confidential"}


def test_an_attached_file_is_sent_along(day: Day) -> None:
    assert day.provider.received("cloud").count("MARKED-NOTE") >= 10


def test_an_answer_is_handed_on_to_the_task_that_asked_for_it(day: Day) -> None:
    sent = day.provider.received()
    for number in range(10):
        assert f"Build by this: {day.workshop.output(f'plan-{number}')['answer']}" in sent
    assert "{{ inputs." not in sent


def test_an_answer_with_a_schema_meets_it(day: Day) -> None:
    for number in range(5):
        answer = day.workshop.output(f"shape-{number}")["answer"]
        assert (json.loads(answer) if isinstance(answer, str) else answer) == {"yes": True}


def test_what_depends_on_a_failed_task_fails_for_that_reason(day: Day) -> None:
    assert day.workshop.error("after-nobody")["error"]["class"] == "dependency"


def test_the_same_file_thrice_is_one_task(day: Day) -> None:
    history = [line["event"] for line in day.workshop.show("twice")["history"]]
    assert history.count("task.duplicate") == 2
    assert history.count("task.completed") == 1


def test_output_says_all_that_other_programs_rely_on(day: Day) -> None:
    for output in day.outputs.values():
        assert set(output) >= OUTPUT_WORDS
        assert set(output["usage"]) >= USAGE_WORDS
        assert output["route"]
        assert all(set(step) >= {"rule", "reason"} for step in output["route"])
