"""What a task will probably use and cost, before it is submitted: a guess, where the bound is a promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from koubou.model.account import Amounts, Bearer, Dimension
from koubou.model.call import Usage
from koubou.model.money import Nano, Price
from koubou.model.task import Task
from koubou.rules.limits import AGENTS
from koubou.rules.price import cost

_BYTES_PER_TOKEN = 4
_LETTERS_PER_TOKEN = 4
"""Of English text and code: OpenAI's rule of thumb."""
_TOKENS_PER_TEN_WIDE = 8
"""Of text beyond ASCII: o200k makes 0.7 to 0.9 tokens of a Japanese or Chinese character."""
_FRAME = 4
"""Tokens around a message, by OpenAI's own count."""
_MOVED = (Dimension.USD, Dimension.TOKENS, Dimension.CALLS)


class Operation(Struct, frozen=True, kw_only=True):
    """A kind of work, the type of task that does it, and what it usually takes."""

    name: str
    type: str
    input_tokens: int
    output_tokens: int


class Room(Struct, frozen=True, kw_only=True):
    """How many calls like one, one after the other, an account still bears; None = any number."""

    account: str
    dimension: str
    left: int
    fit: int | None


def operation_for(task_type: str, operations: Mapping[str, Operation]) -> Operation | None:
    """The first kind of work that tasks of this type do."""
    return next((operation for operation in operations.values() if operation.type == task_type), None)


def usual_output(operations: Mapping[str, Operation]) -> dict[str, int]:
    """Tokens that tasks of each type usually write."""
    found: dict[str, int] = {}
    for operation in operations.values():
        found.setdefault(operation.type, operation.output_tokens)
    return found


def of_call(task: Task, price: Price, cap: int, usual: int | None) -> tuple[int, Nano]:
    """(tokens, cost) of a call, estimated from what is at hand when it is let through: its length and its type.

    Four bytes are about a token of English and of Japanese alike: the letters are longer there, and worth more.
    """
    usage = Usage(
        input_tokens=(task.input_bytes + task.inputs_bytes) // _BYTES_PER_TOKEN,
        output_tokens=cap if usual is None else min(usual, cap),
    )
    return usage.input_tokens + usage.output_tokens, cost(usage, price)


def is_off(estimated: int, actual: int) -> bool:
    """Whether an estimate is off by more than a tenth."""
    return abs(estimated - actual) * 10 > max(estimated, actual)


def prompt_tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """About how many tokens a conversation is."""
    total = _FRAME
    for message in messages:
        text = message["content"]
        wide = 0 if text.isascii() else sum(not letter.isascii() for letter in text)
        plain = len(text) - wide
        total += _FRAME - -plain // _LETTERS_PER_TOKEN + (wide * _TOKENS_PER_TEN_WIDE + 9) // 10
    return total


def expected(own: int, operation: Operation | None, *, executor: str, input_bound: int, cap: int) -> Usage:
    """What a task probably uses: its prompt, what its kind of work writes, and what an agent reads besides.

    A call of a model reads its conversation and nothing else, so there the prompt itself, of `own` tokens, says more
    than any table. Never more than the bound of its input and the cap of its output.
    """
    written = min(operation.output_tokens, cap) if operation else cap
    if executor.startswith(AGENTS):
        return Usage(input_tokens=own + (operation.input_tokens if operation else 0), output_tokens=written)
    return Usage(input_tokens=min(own, input_bound), output_tokens=written)


def rooms_in(bearers: Iterable[Bearer], probably: Amounts, least: Amounts) -> list[Room]:
    """How many such calls fit, each using what it probably does, while the least that must be held is there.

    Accounts without a limit are left out, and those of the task itself: the next such task has its own.
    """
    rooms = []
    for bearer in bearers:
        name, dimension = bearer.account.key
        if bearer.left is not None and dimension in _MOVED and not name.startswith("task:"):
            fit = _fit(bearer.left, probably.of(dimension), least.of(dimension))
            rooms.append(Room(account=name, dimension=dimension, left=bearer.left, fit=fit))
    return rooms


def _fit(left: int, each: int, least: int) -> int | None:
    if left < least:
        return 0
    return (left - least) // each + 1 if each else None
