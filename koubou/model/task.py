"""What a file asks for, and how it stands on the board."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from koubou.model.decision import Finding, Reason
from koubou.model.instant import Instant, Milliseconds
from koubou.model.money import Nano
from koubou.model.phase import Lesser, Phase
from koubou.model.status import Park, Status, Waiting


class Sensitivity(StrEnum):
    """How secret a task is; compare with `rank`."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"

    @property
    def rank(self) -> int:
        """0 for public up to 2 for confidential."""
        return tuple(Sensitivity).index(self)


class Difficulty(StrEnum):
    """How hard a task is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


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

PRIORITIES: Mapping[str, int] = {"urgent": 9, "high": 7, "normal": 5, "low": 3, "background": 1}


class Message(Struct, frozen=True, kw_only=True):
    """One turn of a conversation: role is system, user or assistant."""

    role: str
    content: str


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that goes with the task: its name as the task file gives it, and the text that was read at intake."""

    name: str
    content: str


class TaskBudget(Struct, frozen=True, kw_only=True):
    """What one task may use, where its file says so; None = the settings' default. `time` is wall time."""

    cost: Nano | None = None
    tokens: int | None = None
    calls: int | None = None
    time: Milliseconds | None = None
    file_edits: int | None = None
    commands: int | None = None


class Bounds(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a submitter may ask for at most; None = anything. A task carries them, so that no way leads around them.

    `tiers` and `executors` are the only ones that may serve it, `priority` the highest it may have.
    """

    tiers: tuple[str, ...] | None = None
    executors: tuple[str, ...] | None = None
    priority: int | None = None
    budget: TaskBudget = TaskBudget()


UNBOUND = Bounds()


class TaskRequest(Struct, frozen=True, kw_only=True):
    """One document of a task file, checked and complete: prompt files and attachments are read, words are parsed.

    Either `messages` has the whole conversation or `prompt` the single question. "auto" is None here. `prompt_file`
    is where the prompt was read from.
    """

    id: str | None = None
    type: str | None = None
    title: str = ""
    prompt: str = ""
    messages: tuple[Message, ...] = ()
    system: str | None = None
    prompt_file: str | None = None
    attachments: tuple[Attachment, ...] = ()
    workspace: str | None = None
    executor: str | None = None
    tier: str | None = None
    difficulty: Difficulty | None = None
    sensitivity: Sensitivity | None = None
    priority: int = PRIORITIES["normal"]
    not_before: Instant | None = None
    depends_on: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    session: str | None = None
    budget: TaskBudget = TaskBudget()
    max_output_tokens: int | None = None
    temperature: float | None = None
    response_format: Mapping[str, Any] | None = None
    expect: tuple[str, ...] = ()
    requires_high_capability: bool = False
    isolate: bool = True
    locks: tuple[str, ...] = ()
    expires_at: Instant | None = None
    retries: int | None = None
    on_interrupt: str = "retry"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notify: tuple[str, ...] = ()


class Examination(Struct, frozen=True, kw_only=True):
    """What a close look at a request found, taken outside the turn because it is heavy; `classify` decides from it.

    `input_bytes` is the length of the conversation as UTF-8 JSON with `message_count` messages: the bound's input.
    """

    findings: Sequence[Finding]
    score: int
    factors: Sequence[Reason]
    type: str
    type_reason: Reason
    input_bytes: int
    message_count: int


class NewTask(Struct, frozen=True, kw_only=True):
    """One document ready for the board: `claim` (ULID) and `document` (1 …) name where it came from.

    `body` is the whole request as JSON (`request_json`), `budget` the part of it that limits the task, `findings` and
    `factors` what its examination saw, all as JSON; so is `bounds`, what its owner may ask for, once the board has it.
    """

    id: str
    claim: str
    document: int
    digest: str
    owner: int
    source: str
    body: str
    type: str
    title: str
    session: str | None
    parent: str | None
    priority: int
    asked_tier: str | None
    asked_difficulty: Difficulty | None
    asked_sensitivity: Sensitivity | None
    requires_high_capability: bool
    executor: str | None
    input_bytes: int
    message_count: int
    max_output_tokens: int | None
    budget: str
    retries: int | None
    on_interrupt: str
    not_before: Instant | None
    expires_at: Instant | None
    depends_on: tuple[str, ...]
    locks: tuple[str, ...]
    findings: str
    factors: str
    score: int
    bounds: str | None = None


class Task(Struct, frozen=True, kw_only=True):
    """A task as the board has it, without its text. `seq` is the order of arrival; `run` the current run's number.

    `judged` and `routed` are JSON lists of reasons: read them through `route`. `phase` is what its next call is for,
    `answer_run` the run of which an answer is in hand, of so many `answer_bytes` as UTF-8 JSON.
    `ripe_at` is when it is as urgent as anything can be (`rules.priority`).
    """

    seq: int
    id: str
    owner: int
    type: str
    title: str
    session: str | None
    status: Status
    waiting: Waiting | None
    park: Park | None
    priority: int
    sensitivity: Sensitivity | None
    difficulty: Difficulty | None
    asked_tier: str | None
    asked_difficulty: Difficulty | None
    asked_sensitivity: Sensitivity | None
    requires_high_capability: bool
    executor: str | None
    tier: str | None
    judged: str
    routed: str
    given_up: Sequence[str]
    window_over: int | None
    input_bytes: int
    message_count: int
    inputs_bytes: int
    max_output_tokens: int | None
    budget: TaskBudget
    retries: int | None
    on_interrupt: str
    not_before: Instant | None
    expires_at: Instant | None
    parent: str | None
    has_dependencies: bool
    attempts: int
    failures: int
    interruptions: int
    suspect: bool
    run: int
    cancel_asked: bool
    outcome: Status | None
    rated: str | None
    cost: Nano
    phase: Phase
    answer_run: int | None
    answer_bytes: int
    upgraded_to: str | None
    lesser: Lesser | None
    judge_score: float | None
    released: bool
    waiting_since: Instant
    ripe_at: Instant
    half_used: bool
    has_locks: bool
    created_at: Instant
    updated_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    bounds: Bounds = UNBOUND

    @property
    def route(self) -> Sequence[Reason]:
        """The chain of reasons: how secret, how hard, why this tier. Kept as JSON, since few turns ever ask."""
        return tuple(Reason(**reason) for reason in (*json.loads(self.judged), *json.loads(self.routed)))


class Need(Struct, frozen=True, kw_only=True):
    """A task that another needs, and how it stands; `seq` None: nobody has dropped it yet."""

    id: str
    seq: int | None
    owner: int | None
    status: Status | None
    sensitivity: Sensitivity | None
    answer_bytes: int
