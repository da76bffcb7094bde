"""What a rule can decide. A decision is a value; it carries its reason."""

from __future__ import annotations

from msgspec import Struct

from koubou.model.account import AccountKey, Amounts
from koubou.model.instant import Milliseconds
from koubou.model.phase import Lesser
from koubou.model.status import Park


class Reason(Struct, frozen=True, kw_only=True):
    """Which rule spoke, and what it said; shown by `koubou explain` and in output.json."""

    rule: str
    reason: str


class Finding(Struct, frozen=True, kw_only=True):
    """Something secret that was seen: category and rule, in which part of the task and line, two characters at most.

    `level` is how secret that makes the task; `note` where a guardrail saw something that is no secret.
    """

    category: str
    where: str
    rule: str
    line: int
    sample: str
    level: str = "confidential"


class Hit(Struct, frozen=True, kw_only=True):
    """What a detector saw: `start` and `end` are byte offsets in the UTF-8 of the text named `where`; lines from 1."""

    rule: str
    category: str
    where: str
    line: int
    start: int
    end: int
    sample: str


class Routed(Struct, frozen=True, kw_only=True):
    """A tier was found; the reasons say why this one and not those before it.

    `lesser` is what is to be done about it where the tier is a lesser one than the task should have.
    """

    tier: str
    reasons: tuple[Reason, ...]
    lesser: Lesser | None = None


class Admitted(Struct, frozen=True, kw_only=True):
    """A call may start: `hold` is to be held, at most `cap` output tokens asked for, and `timeout` waited for."""

    hold: Amounts
    cap: int
    timeout: Milliseconds
    reason: str


class Breach(Struct, frozen=True, kw_only=True):
    """An account cannot bear the hold: the task waits until `need` is left there, or `least` once nothing is held.

    `bearable` is up to where the account may be filled by this task.
    """

    park: Park
    account: AccountKey
    need: int
    least: int
    bearable: int


class InTheWay(Struct, frozen=True, kw_only=True):
    """A lock that a task wants, and the task at work that has it, or (`held` False) that comes first in its line."""

    lock: str
    task: str
    held: bool


class Refused(Struct, frozen=True, kw_only=True):
    """It will not do; the task fails. `kind` is the stable class of the error, `remedy` what a person can do.

    `retryable` says whether the same task may succeed if it is tried again as it is.
    """

    kind: str
    reason: str
    remedy: str
    retryable: bool


class RunAgain(Struct, frozen=True, kw_only=True):
    """Another run after `delay` milliseconds; `counts` says whether this one used up a try of the tier."""

    delay: Milliseconds
    counts: bool
    reason: str


class FallBack(Struct, frozen=True, kw_only=True):
    """Another tier is to take it."""

    reason: str
