"""What may stand in a task file: every key with its type, bounds and sentence. `requests` makes requests of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from koubou.documents import units
from koubou.model.task import PRIORITIES

MANY = 1_000
"""How long a list may be."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_INPUT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_EXECUTOR = re.compile(r"auto|chat|messages|codex|claude|hybrid|rehearsal|command:[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TIME = {"type": "string", "format": "date-time", "examples": ["2026-12-01T09:00:00+09:00"]}
_LARGEST_COUNT = 10**12


def _spelled(pattern: re.Pattern[str], sentence: str) -> tuple[AfterValidator, WithJsonSchema]:
    def whole(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError(sentence)
        return text

    return AfterValidator(whole), WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern.pattern})$"})


def _or_null(parse: Callable[[object], int]) -> Callable[[object], int | None]:
    return lambda value: None if value is None else parse(value)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _priority(value: object) -> int:
    if isinstance(value, str) and value in PRIORITIES:
        return PRIORITIES[value]
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10:
        return value
    raise ValueError(f"must be one of {', '.join(PRIORITIES)}, or a whole number from 1 to 10 (10 first)")


def plain(value: Any) -> Any:
    """A value that JSON can say again: dates become text. Raises ValueError for keys that are no text."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("takes keys that are text; put numbers, dates, true, false and null in quotes")
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def _is_schema(value: dict[str, Any]) -> dict[str, Any]:
    from jsonschema_rs import ReferencingError, ValidationError, validator_for  # 30 ms that few tasks need

    try:
        # Not its `meta`: that fetches what $schema names.
        validator_for(value, retriever=_fetch_nothing)
    except (ReferencingError, ValidationError, ValueError):
        raise ValueError("must be a JSON Schema that is whole in itself: nothing is fetched for it") from None
    return value


def _fetch_nothing(_address: str) -> NoReturn:
    raise ValueError("nothing is fetched")


_IS_ID, _ID_SCHEMA = _spelled(_ID, "must be of a-z, A-Z, 0-9, dot, dash and underscore, 100 at most, no sign first")
_IS_INPUT, _INPUT_SCHEMA = _spelled(_INPUT_NAME, "must be a name of a-z, A-Z, 0-9 and underscore, no digit first")
_IS_EXECUTOR, _EXECUTOR_SCHEMA = _spelled(_EXECUTOR, "must be chat, messages, codex, claude, hybrid or command:<name>")

Id = Annotated[str, _IS_ID, _ID_SCHEMA]
InputName = Annotated[str, _IS_INPUT, _INPUT_SCHEMA]
Executor = Annotated[str, _IS_EXECUTOR, _EXECUTOR_SCHEMA]
Text = Annotated[str, AfterValidator(_not_blank), WithJsonSchema({"type": "string", "pattern": r"\S"})]
ShortText = Annotated[str, Field(max_length=MANY)]
Count = Annotated[int, Field(ge=0, le=_LARGEST_COUNT)]
Positive = Annotated[int, Field(ge=1, le=_LARGEST_COUNT)]
Usd = Annotated[
    int | None,
    BeforeValidator(_or_null(units.usd)),
    WithJsonSchema(
        {"type": ["number", "string", "null"], "minimum": 0, "maximum": 1e9, "pattern": r"^\s*\d{1,15}(\.\d{1,9})?\s*$"}
    ),
]
SomeTime = Annotated[
    int | None,
    BeforeValidator(_or_null(units.some_time)),
    WithJsonSchema(
        {
            "type": ["string", "number", "null"],
            "minimum": 1,
            "pattern": r"^\s*\d{1,15}(\.\d{1,9})?\s*(|[mM]?[sS]|[mMhHdD])\s*$",
        }
    ),
]
When = Annotated[
    int | None, BeforeValidator(_or_null(units.when)), WithJsonSchema({"anyOf": [_TIME, {"type": "null"}]})
]
Priority = Annotated[
    int,
    BeforeValidator(_priority),
    WithJsonSchema({"anyOf": [{"enum": list(PRIORITIES)}, {"type": "integer", "minimum": 1, "maximum": 10}]}),
]
JsonObject = Annotated[dict[str, Any], BeforeValidator(plain), WithJsonSchema({"type": "object"})]
JsonSchema = Annotated[JsonObject, AfterValidator(_is_schema)]
TaskType = Literal[
    "auto",
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
]


class Part(BaseModel):
    """A mapping of a task file: unknown keys are refused, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Turn(Part):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Text


class InlineFile(Part):
    """A file to attach that is given in the task file itself, as `koubou submit` writes it."""

    name: Annotated[str, Field(min_length=1, max_length=MANY)]
    content: str


class Budget(Part):
    """What the task may use; what is left out is as the settings say."""

    cost_usd: Usd = Field(default=None, description="USD, for example 0.50")
    tokens: Positive | None = Field(default=None, description="tokens of all calls together")
    calls: Positive | None = Field(default=None, description="calls to models")
    time: SomeTime = Field(default=None, description="wall time, for example 15m")
    file_edits: Count | None = Field(default=None, description="edits an agent may make")
    commands: Count | None = Field(default=None, description="commands an agent may run")


_NOT_GIVEN: Any = None
"""A default for keys that may be left out but, unlike others, not be null."""
_ONE_QUESTION: Any = {"oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}, {"required": ["prompt_file"]}]}


class TaskFile(Part):
    """A task for Koubou: one of prompt, messages or prompt_file is required, everything else has a default."""

    model_config = ConfigDict(json_schema_extra=_ONE_QUESTION)

    id: Id | None = Field(default=None, description="names the task; the same id and content twice is one task")
    type: TaskType = Field(default="auto", description="what kind of work it is; found by rule when not given")
    title: ShortText = Field(default="", description="one line for people")
    prompt: Text = Field(default=_NOT_GIVEN, description="the question", examples=["Write a haiku about a workshop."])
    messages: Annotated[list[Turn], Field(min_length=1, max_length=MANY)] = Field(
        default=_NOT_GIVEN, description="instead of prompt: a conversation"
    )
    prompt_file: ShortText = Field(default=_NOT_GIVEN, description="instead of prompt: a text file in the workspace")
    system: str | None = Field(default=None, description="the system prompt")
    files: Annotated[list[ShortText | InlineFile], Field(max_length=MANY)] = Field(
        default_factory=list,
        description="text files to attach: paths in the workspace, or name and content",
        examples=[["a.py"]],
    )
    workspace: ShortText | None = Field(default=None, description="a folder under one of the allowed roots")
    executor: Executor | None = Field(
        default=None, description="who works on it; default: the tier's", examples=["chat"]
    )
    tier: ShortText = Field(default="auto", description="auto, or a tier's name", examples=["auto", "local"])
    difficulty: Literal["auto", "high", "medium", "low"] = Field(default="auto", description="how hard it is")
    sensitivity: Literal["auto", "confidential", "internal", "public"] = Field(
        default="auto", description="how secret it is; raises what the classifier finds, never lowers it"
    )
    priority: Priority = Field(
        default=PRIORITIES["normal"],
        description="a word, or 1 to 10 (10 first)",
        json_schema_extra={"default": "normal"},
    )
    not_before: When = Field(default=None, description="when it may start, with a time zone")
    depends_on: Annotated[list[Id], Field(max_length=MANY)] = Field(
        default_factory=list, description="tasks to wait for"
    )
    inputs: Annotated[dict[InputName, Id], Field(max_length=MANY)] = Field(
        default_factory=dict,
        description="answers of other tasks, offered to the prompt as {{ inputs.<name> }}",
        json_schema_extra={"additionalProperties": False},
    )
    parent: Id | None = Field(default=None, description="the task that this one is part of")
    session: Id | None = Field(default=None, description="tasks that share a budget")
    budget: Budget = Field(
        default_factory=Budget, description="what the task may use", json_schema_extra={"default": {}}
    )
    max_output_tokens: Positive | None = Field(default=None, description="cap of one answer")
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(default=None, description="null: not sent")
    response_format: JsonSchema | None = Field(default=None, description="a JSON Schema that the answer must meet")
    expect: Annotated[list[Annotated[ShortText, Field(min_length=1)]], Field(max_length=MANY)] = Field(
        default_factory=list, description="parts that a complete answer must name"
    )
    requires_high_capability: bool = Field(default=False, description="never below the tier of medium work")
    isolate: bool = Field(default=True, description="agents work on a copy; changes come back as a patch")
    locks: Annotated[list[ShortText], Field(max_length=MANY)] = Field(
        default_factory=list, description="taken all or none"
    )
    expires_at: When = Field(default=None, description="not started after this time, with a time zone")
    retries: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, description="default: the tier's")
    on_interrupt: Literal["retry", "hold", "resume"] = Field(
        default="retry", description="what happens after a crash: at least once, at most once, or go on"
    )
    notify: Annotated[list[ShortText], Field(max_length=20)] = Field(
        default_factory=list, description="targets of the settings (notify.targets) that are told when it has ended"
    )
    metadata: JsonObject = Field(default_factory=dict, description="anything; comes back with the answer")

    @model_validator(mode="after")
    def _asks_once(self) -> TaskFile:
        if len({"prompt", "messages", "prompt_file"} & self.model_fields_set) != 1:
            raise ValueError("needs exactly one of prompt, messages and prompt_file")
        return self
