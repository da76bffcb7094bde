"""What a task file may say, what becomes of it, and that the schema for editors agrees with the reader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from koubou.documents.reading import read_documents
from koubou.errors import TaskFileError
from koubou.folders.requests import Asking, ReadLimits, digest
from koubou.folders.schema import task_schema
from koubou.folders.task_file import TaskType
from koubou.model.task import TYPES, Attachment, Difficulty, Message, Sensitivity, TaskBudget, TaskRequest

EVERYTHING = """
id: fix-login-123
type: bug_fix
title: Login fails with an empty password
prompt: |
  Please mend it.
system: You are careful.
files: [{name: src/login.py, content: "x = 1\\n"}]
executor: command:lint
tier: local
difficulty: high
sensitivity: internal
priority: urgent
not_before: 2026-12-01T09:00:00+09:00
depends_on: [other-task]
inputs: {plan: other-task, review: third}
parent: epic-7
session: release-42
budget: {cost_usd: 0.50, tokens: 50000, time: 15m, file_edits: 50, commands: 100}
max_output_tokens: 2000
temperature: 1
response_format: {type: object}
expect: [a summary]
requires_high_capability: true
isolate: false
locks: [repo, repo]
expires_at: "2026-12-02T00:00:00Z"
retries: 3
on_interrupt: hold
metadata: {ticket: ABC-1, day: 2026-11-21, nested: [{at: 2026-11-21}]}
"""

GOOD = [
    EVERYTHING,
    "prompt: hello",
    "messages: [{role: system, content: be kind}, {role: user, content: hello}]",
    "{prompt: x, tier: auto, type: auto, difficulty: auto, sensitivity: auto, executor: auto}",
    "{prompt: x, priority: 10}",
    "{prompt: x, not_before: '2026-12-02T00:00:00Z', expires_at: '2026-12-02T09:00:01+09:00'}",
    "{prompt: x, priority: background}",
    "{prompt: x, id: null, workspace: null, temperature: null, response_format: null, retries: null, system: null}",
    "{prompt: x, budget: {cost_usd: '0.50', time: 90}}",
    "{prompt: x, budget: {time: 1.5h}}",
    "{prompt: x, budget: {}}",
    "{prompt: x, temperature: 0.7}",
    "{prompt: x, max_output_tokens: 1}",
    "{prompt: x, metadata: {a: {b: [1, 2.5, true, null]}}}",
]
BAD = {
    "title: no question": None,
    "{prompt: a, messages: [{role: user, content: b}]}": None,
    "{prompt: a, prompt_file: b}": None,
    "prompt: ''": "prompt",
    "prompt: '  '": "prompt",
    "prompt: null": "prompt",
    "prompt: 7": "prompt",
    "prompt: [a]": "prompt",
    "messages: []": "messages",
    "messages: [{role: tool, content: x}]": "messages[0].role",
    "messages: [{role: user, content: [{type: image}]}]": "messages[0].content",
    "messages: [{role: user, content: x, name: y}]": "messages[0].name",
    "{prompt: x, id: ../../etc/passwd}": "id",
    "{prompt: x, id: -a}": "id",
    "{prompt: x, id: 工房}": "id",
    "{prompt: x, id: 7}": "id",
    "{prompt: x, type: bugfix}": "type",
    "{prompt: x, title: 7}": "title",
    "{prompt: x, executor: bash}": "executor",
    "{prompt: x, executor: 'command:'}": "executor",
    "{prompt: x, difficulty: hard}": "difficulty",
    "{prompt: x, sensitivity: secret}": "sensitivity",
    "{prompt: x, priority: 0}": "priority",
    "{prompt: x, priority: 11}": "priority",
    "{prompt: x, priority: true}": "priority",
    "{prompt: x, priority: 1.5}": "priority",
    "{prompt: x, priority: soon}": "priority",
    "{prompt: x, depends_on: a}": "depends_on",
    "{prompt: x, depends_on: ['a b']}": "depends_on[0]",
    "{prompt: x, inputs: {'a-b': c}}": "inputs.a-b",
    "{prompt: x, inputs: {a: 7}}": "inputs.a",
    "{prompt: x, budget: 5}": "budget",
    "{prompt: x, budget: {cost: 5}}": "budget.cost",
    "{prompt: x, budget: {cost_usd: -1}}": "budget.cost_usd",
    "{prompt: x, budget: {cost_usd: lots}}": "budget.cost_usd",
    "{prompt: x, budget: {time: 5 weeks}}": "budget.time",
    "{prompt: x, budget: {time: 0}}": "budget.time",
    "{prompt: x, budget: {tokens: 0}}": "budget.tokens",
    "{prompt: x, budget: {commands: 1.5}}": "budget.commands",
    "{prompt: x, max_output_tokens: 0}": "max_output_tokens",
    "{prompt: x, temperature: 3}": "temperature",
    "{prompt: x, temperature: warm}": "temperature",
    "{prompt: x, response_format: json}": "response_format",
    "{prompt: x, expect: ['']}": "expect[0]",
    "{prompt: x, expect: summary}": "expect",
    "{prompt: x, isolate: 1}": "isolate",
    "{prompt: x, requires_high_capability: 'true'}": "requires_high_capability",
    "{prompt: x, retries: -1}": "retries",
    "{prompt: x, on_interrupt: forget}": "on_interrupt",
    "{prompt: x, metadata: [a]}": "metadata",
    "{prompt: x, files: a.py}": "files",
    "{prompt: x, files: [{name: a.py}]}": "files[0].content",
    "{prompt: x, unknown: 1}": "unknown",
    "[prompt]": None,
}
BEYOND_A_SCHEMA = {
    "{prompt: x, response_format: {type: objekt}}": "response_format",
    "{prompt: x, response_format: {$schema: 'http://127.0.0.1:9/x'}}": "response_format",
    "{prompt: x, response_format: {$ref: 'http://127.0.0.1:9/x'}}": "response_format",
    "{prompt: a, not_before: '2026-12-02T00:00:00Z', expires_at: '2026-12-02T09:00:00+09:00'}": "expires_at",
    "{prompt: x, not_before: 2026-12-01T09:00:00}": "not_before",
    "{prompt: x, not_before: 2026-12-01}": "not_before",
    "{prompt: x, expires_at: tomorrow}": "expires_at",
    "{prompt: x, budget: {time: 999ms}}": "budget.time",
    "{prompt: x, metadata: {1: a}}": "metadata",
    "{prompt: x, id: a, depends_on: [A]}": "depends_on",
    "{prompt: x, files: [a.py]}": "files[0]",
    "{prompt: x, workspace: src}": "workspace",
    "{prompt: x, workspace: /srv/app}": "workspace",
    "{prompt: x, files: [{name: ../a, content: b}]}": "files[0]",
    "{prompt: x, files: [{name: /a, content: b}]}": "files[0]",
    "{prompt: x, files: [{name: a, content: b}, {name: ./a, content: b}]}": "files[1]",
    "{prompt: x, files: [{name: a/b, content: b}, {name: a, content: b}]}": "files[1]",
    "{prompt: x, files: [{name: a, content: b}, {name: a/b, content: b}]}": "files[1]",
}


def ask(text: str, limits: ReadLimits | None = None) -> TaskRequest:
    (document,) = read_documents(text.encode(), name="a.yaml")
    return Asking("a.yaml", 0, limits or ReadLimits()).request(document)


def fits(value: Any) -> bool:
    return jsonschema.Draft202012Validator(task_schema()).is_valid(value)


def as_json(text: str) -> Any:
    """The file as an editor's validator sees it: YAML's own times are text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=lambda moment: moment.isoformat()))


def test_everything_that_is_said_arrives() -> None:
    assert ask(EVERYTHING) == TaskRequest(
        id="fix-login-123",
        type="bug_fix",
        title="Login fails with an empty password",
        prompt="Please mend it.\n",
        system="You are careful.",
        attachments=(Attachment(name="src/login.py", content="x = 1\n"),),
        executor="command:lint",
        tier="local",
        difficulty=Difficulty.HIGH,
        sensitivity=Sensitivity.INTERNAL,
        priority=9,
        not_before=1_796_083_200_000,
        depends_on=("other-task", "third"),
        inputs={"plan": "other-task", "review": "third"},
        parent="epic-7",
        session="release-42",
        budget=TaskBudget(cost=500_000_000, tokens=50_000, time=900_000, file_edits=50, commands=100),
        max_output_tokens=2_000,
        temperature=1.0,
        response_format={"type": "object"},
        expect=("a summary",),
        requires_high_capability=True,
        isolate=False,
        locks=("repo",),
        expires_at=1_796_169_600_000,
        retries=3,
        on_interrupt="hold",
        metadata={"ticket": "ABC-1", "day": "2026-11-21", "nested": [{"at": "2026-11-21"}]},
    )


def test_what_is_not_said_is_left_to_the_settings() -> None:
    assert ask("prompt: hello") == TaskRequest(prompt="hello")
    assert ask(GOOD[3]) == TaskRequest(prompt="x")


def test_a_conversation_arrives_in_order() -> None:
    assert ask(GOOD[2]).messages == (
        Message(role="system", content="be kind"),
        Message(role="user", content="hello"),
    )


def test_the_types_are_those_of_the_model() -> None:
    assert get_args(TaskType) == ("auto", *TYPES)


@pytest.mark.parametrize("text", GOOD)
def test_the_schema_and_the_reader_agree_on_good_files(text: str) -> None:
    assert ask(text)
    assert fits(as_json(text))


@pytest.mark.parametrize(("text", "key"), BAD.items(), ids=BAD)
def test_the_schema_and_the_reader_agree_on_bad_files(text: str, key: str | None) -> None:
    with pytest.raises(TaskFileError) as refused:
        ask(text)
    assert refused.value.kind == "schema"
    assert refused.value.problem.key == key
    assert not fits(as_json(text))


@pytest.mark.parametrize(("text", "key"), BEYOND_A_SCHEMA.items(), ids=BEYOND_A_SCHEMA)
def test_some_mistakes_only_the_reader_sees(text: str, key: str) -> None:
    with pytest.raises(TaskFileError) as refused:
        ask(text)
    assert refused.value.problem.key == key


def test_the_schema_is_one_and_says_something_about_every_key() -> None:
    schema = task_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert [key for key, shape in schema["properties"].items() if not shape.get("description")] == []


def test_the_examples_of_the_schema_are_good() -> None:
    for key, shape in task_schema()["properties"].items():
        for example in shape.get("examples", []):
            asked: Mapping[str, Any] = {"prompt": "x", key: example}
            assert fits(asked), key


def test_a_tier_that_does_not_exist_is_refused_with_the_one_that_was_meant() -> None:
    limits = ReadLimits(tiers=("gpt5_high", "local"))
    assert ask("{prompt: x, tier: local}", limits).tier == "local"
    with pytest.raises(TaskFileError) as refused:
        ask("{prompt: x, tier: gpt5_hihg}", limits)
    assert refused.value.problem.nearest == "gpt5_high"


def test_the_digest_knows_the_same_request_in_another_dress() -> None:
    assert len(digest(ask("prompt: hello"))) == 64
    same = ['{"id": "a", "prompt": "hello"}', "prompt: hello\nid: b\npriority: 5", "{isolate: true, prompt: hello}"]
    assert {digest(ask(text)) for text in same} == {digest(ask("prompt: hello"))}


def test_the_digest_tells_other_requests_apart() -> None:
    other = [
        "prompt: hello",
        "prompt: 'hello '",
        "{prompt: hello, title: x}",
        "{prompt: hello, system: x}",
        "{prompt: hello, priority: 6}",
        "{prompt: hello, budget: {tokens: 5}}",
        "{prompt: hello, difficulty: low}",
        "{prompt: hello, metadata: {a: 1}}",
        "{prompt: hello, metadata: {a: '1'}}",
        "{prompt: hello, metadata: {a: true}}",
        "{prompt: hello, files: [{name: a, content: b}]}",
        "{prompt: hello, files: [{name: a, content: c}]}",
        "messages: [{role: user, content: hello}]",
        "messages: [{role: assistant, content: hello}]",
    ]
    assert len({digest(ask(text)) for text in other}) == len(other)


def test_the_digest_of_today_is_that_of_tomorrow() -> None:
    """It stands on boards that outlive this version: a change here turns duplicates into conflicts."""
    assert digest(ask("prompt: hello")) == hashlib.sha256(b'{"prompt":"hello"}').hexdigest()


def test_an_id_in_another_script_is_told_which_letters_there_are() -> None:
    with pytest.raises(TaskFileError, match="a-z, A-Z, 0-9") as refused:
        ask("id: 日報-1\nprompt: 今日は。\n")
    assert refused.value.problem.key == "id"
