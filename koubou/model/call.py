"""A request to a model, the unit of money: what was asked of whom, what came back, and what it used."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from koubou.model.instant import Instant, Milliseconds
from koubou.model.policy import Flag


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens of one call. `input_tokens` includes cached and written ones; `output_tokens` includes reasoning.

    `cache_write_tokens` includes those that were written for an hour, which may cost more.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_1h_tokens: int = 0


class ErrorClass(StrEnum):
    """What kind of thing went wrong with a call; decides retry, fallback, breaker and money."""

    RATE = "rate"
    QUOTA = "quota"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    MODEL = "model"
    CONTEXT = "context"
    POLICY = "policy"
    SERVER = "server"
    PROXY = "proxy"
    CUT = "cut"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    LOST = "lost"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    SECRET = "secret"  # noqa: S105 - a class of error
    """An agent was about to send a secret to the cloud."""
    BUDGET = "budget"
    """An agent's call found no money, and the agent gave up."""
    OPERATIONS = "operations"
    """An agent edited more files, or ran more commands, than it may."""


class CallError(Struct, frozen=True, kw_only=True):
    """Why a call gave no answer. `code` is the provider's own word, where it has one. Never holds task text.

    `another_key` says that the key was refused, and that the tier has another one that was not.
    """

    kind: ErrorClass
    message: str
    code: str = ""
    status: int | None = None
    retry_after: Milliseconds | None = None
    another_key: bool = False


class Bill(StrEnum):
    """What is known of what a call cost."""

    REPORTED = "reported"
    """The provider said what was used."""
    NONE = "none"
    """There is evidence that nothing was billed: no connection, or a complete error answer of the provider's own."""
    UNKNOWN = "unknown"
    """Nobody knows: the whole hold is settled and marked unreconciled."""


class CallResult(Struct, frozen=True, kw_only=True):
    """How a run's call ended, as the worker's durable record says it; the answer itself stays in the record.

    `answer_bytes` is the answer's length as UTF-8 JSON, so that a task that takes it as input can be bounded.
    `quiet_for` is how long the provider wants no further call, `missing` what the answer lacks by name (never its
    text), `said` what a model said that was asked about the task: a difficulty, or a score from 0 to 1.
    `findings` is what was seen in it that should not be there, by our own rules and, if `examined`, by the detector.
    """

    task: str
    run: int
    call: str
    bill: Bill
    usage: Usage | None = None
    error: CallError | None = None
    finish_reason: str | None = None
    model: str | None = None
    started_at: Instant
    finished_at: Instant
    first_token_at: Instant | None = None
    answer_bytes: int = 0
    quiet_for: Milliseconds | None = None
    missing: tuple[str, ...] = ()
    said: str | None = None
    examined: bool = False
    findings: tuple[Flag, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether a complete or capped answer came."""
        return self.error is None
