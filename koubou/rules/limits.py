"""Which accounts a call touches, and what each of them allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from koubou.model.account import Account, AccountKey, Bearer, Dimension, Limit, Past
from koubou.model.budget import Budget, Limits, SetLimits
from koubou.model.instant import Instant
from koubou.model.money import Nano
from koubou.model.task import Task, TaskBudget
from koubou.rules.windows import day, day_began, is_weekend, month, month_began

AGENTS = ("codex", "claude", "hybrid", "command:")
_IN_A_MONTH = (Dimension.USD, Dimension.TOKENS, Dimension.CALLS)
_OF_A_SESSION = (Dimension.USD, Dimension.TOKENS)
_OF_A_CALL = (Dimension.USD, Dimension.TOKENS, Dimension.CALLS, Dimension.TIME)
DIMENSIONS_OF: Mapping[str, Sequence[Dimension]] = {
    "month": (Dimension.USD,),
    "day": (Dimension.USD,),
    "weekend": (Dimension.USD,),
    "tier": _IN_A_MONTH,
    "model": _IN_A_MONTH,
    "submitter": _IN_A_MONTH,
    "session": _OF_A_SESSION,
    "task": tuple(Dimension),
}
"""What can be limited of each scope."""


class Asking(Struct, frozen=True, kw_only=True):
    """What is known of a call before it is held for.

    `least_usd` and `least_tokens` are what it needs at the very least. `free` calls move no money; `critical` ones
    belong to a step that must not be broken off, and may use an overdraft.
    """

    task: Task
    tier: str
    model: str
    executor: str
    least_usd: Nano
    least_tokens: int
    free: bool
    critical: bool = False


class LimitsInForce(Struct, frozen=True, kw_only=True):
    """The settings of money with what a person set in their place.

    An account that `is_open` goes on counting when its limit is taken away: it may come back.
    """

    budget: Budget
    set: SetLimits = field(default_factory=dict)
    is_open: Callable[[AccountKey], bool] = lambda _: False

    def of_call(self, asking: Asking, now: Instant) -> Iterator[Limit]:
        """Every account that the call touches, each once."""
        task = asking.task
        if not asking.free:
            yield self.month(now, at_work=task.attempts > 0)
            yield from self.day(now)
        for column, value in (("tier", asking.tier), ("model", asking.model), ("submitter", task.owner)):
            yield from self._in_a_month(column, value, asking.free, now)
        if task.session is not None:
            yield from self._of_a_session(task.session, asking.free, asking.critical)
        yield from self.of_task(asking)

    def of_account(self, kind: str, name: str, dimension: Dimension, now: Instant) -> Limit | None:
        """The limit in force of an account that is no task's: of a window of this moment, or of a session."""
        match kind:
            case "month":
                found: Iterable[Limit] = (self.month(now),)
            case "day":
                found = self.day(now)
            case "session":
                found = self._of_a_session(name, free=False, critical=False)
            case _:
                found = self._in_a_month(kind, int(name) if kind == "submitter" else name, False, now)
        return next((limit for limit in found if limit.dimension == dimension and limit.limit is not None), None)

    def month(self, now: Instant, *, at_work: bool = True) -> Limit:
        """The month's account; a task that is not at work yet may fill it up to `reject_at`."""
        name, reopens = month(now, self.budget.timezone)
        limit = self._set("month", name, Dimension.USD, self.budget.monthly)
        budget = self.budget
        ceiling = _share(limit, budget.ceiling_at)
        bearable = ceiling if at_work else _share(limit, min(budget.reject_at, budget.ceiling_at))
        return Limit(
            name=name,
            limit=limit,
            ceiling=ceiling,
            bearable=bearable,
            most=None if self._by_hand(Dimension.USD, "month") else bearable,
            warn_percent=round(budget.warn_at * 100),
            reopens=reopens,
        )

    def day(self, now: Instant) -> Iterator[Limit]:
        """The day's account, where there is a limit for days."""
        name, reopens = day(now, self.budget.timezone)
        plain = self._set("day", None, Dimension.USD, self.budget.daily)
        default = plain if self.budget.weekend is None or plain is None else self.budget.weekend
        weekend = self._set("weekend", None, Dimension.USD, default)
        limit = weekend if is_weekend(now, self.budget.timezone) else plain
        limit = self._set(name, None, Dimension.USD, limit)
        if limit is not None or self.is_open(AccountKey(name)):
            by_hand = limit is None or self._by_hand(Dimension.USD, "day", "weekend", name)
            most = None if by_hand else max(limit or 0, plain or 0, weekend or 0)
            past = Past(column="", since=day_began(now, self.budget.timezone))
            yield Limit(name=name, limit=limit, ceiling=limit, bearable=limit, most=most, reopens=reopens, past=past)

    def of_task(self, asking: Asking) -> Iterator[Limit]:
        """The task's own accounts; their windows never reopen."""
        task = asking.task
        name = f"task:{task.id}"
        for dimension in _OF_A_CALL:
            if dimension is Dimension.USD and asking.free:
                continue
            limit = self._of_own(asking, dimension)
            if limit is None and self.is_open(AccountKey(name, dimension)):
                yield Limit(name=name, dimension=dimension, limit=None, ceiling=None)
            elif limit is not None:
                set_for = (name,) if _asked(task.budget, dimension) is not None else (name, "task")
                by_hand = self._by_hand(dimension, *set_for)
                bound = self._with_overdraft(name, dimension, limit, asking.critical, by_hand)
                yield replace(bound, past=Past(column="task", value=task.id)) if task.attempts else bound

    def counted_of_task(self, task: Task, executor: str, dimension: Dimension) -> Limit | None:
        """The account of what an agent does, file edits or commands; None where there is no limit."""
        asking = Asking(
            task=task, tier="", model="", executor=executor, least_usd=0, least_tokens=0, free=True, critical=False
        )
        limit = self._of_own(asking, dimension)
        return None if limit is None else Limit(name=f"task:{task.id}", dimension=dimension, limit=limit, ceiling=limit)

    def _of_own(self, asking: Asking, dimension: Dimension) -> int | None:
        """What the task may use: as a person set it, its file asks, or the settings say of its kind and its owner."""
        asked = _asked(asking.task.budget, dimension)
        allowed = self._set("task", None, dimension, self._default(asking, dimension)) if asked is None else asked
        bound = _asked(asking.task.bounds.budget, dimension)
        if bound is not None:
            allowed = bound if allowed is None else min(allowed, bound)
        return self._set(f"task:{asking.task.id}", None, dimension, allowed)

    def _default(self, asking: Asking, dimension: Dimension) -> int | None:
        """What the type of the task allows; with room for a long prompt, as far as tasks in general may go."""
        general = self.budget.task.of(dimension)
        own = self.budget.types.get(asking.task.type, self.budget.task).of(dimension)
        if own is not None and asking.executor.startswith(AGENTS):
            own = max(own, self.budget.agents.of(dimension) or 0)
        least = {Dimension.USD: asking.least_usd, Dimension.TOKENS: asking.least_tokens}.get(dimension)
        if own is None or least is None or own >= least:
            return own
        return max(own, least if general is None else min(least, general))

    def _of_a_session(self, session: str, free: bool, critical: bool) -> Iterator[Limit]:
        name = f"session:{session}"
        for dimension in _OF_A_SESSION:
            if dimension is Dimension.USD and free:
                continue
            default = self._set("session", None, dimension, self.budget.session.of(dimension))
            limit = self._set(name, None, dimension, default)
            past = Past(column="session", value=session)
            if limit is not None:
                by_hand = self._by_hand(dimension, "session", name)
                yield replace(self._with_overdraft(name, dimension, limit, critical, by_hand), past=past)
            elif self.is_open(AccountKey(name, dimension)):
                yield Limit(name=name, dimension=dimension, limit=None, ceiling=None, past=past)

    def _in_a_month(self, column: str, value: str | int, free: bool, now: Instant) -> Iterator[Limit]:
        scope, (month_name, reopens) = f"{column}:{value}", month(now, self.budget.timezone)
        limits = self._of_column(column, value)
        for dimension in _IN_A_MONTH:
            if dimension is Dimension.USD and free:
                continue
            limit = self._set(scope, None, dimension, limits.of(dimension) if limits else None)
            key = AccountKey(f"{scope}:{month_name}", dimension)
            if limit is not None or (column == "tier" and dimension is Dimension.USD) or self.is_open(key):
                yield Limit(
                    name=key.name,
                    dimension=dimension,
                    limit=limit,
                    ceiling=limit,
                    bearable=limit,
                    most=None if self._by_hand(dimension, scope) else limit,
                    reopens=reopens,
                    past=Past(column=column, value=value, since=month_began(now, self.budget.timezone)),
                )

    def _of_column(self, column: str, value: str | int) -> Limits | None:
        match column:
            case "tier":
                return self.budget.tiers.get(str(value))
            case "model":
                return self.budget.models.get(str(value))
        return self.budget.submitters.get(int(value), self.budget.submitter)

    def _with_overdraft(self, name: str, dimension: Dimension, limit: int, critical: bool, by_hand: bool) -> Limit:
        overdraft = {Dimension.USD: self.budget.overdraft_usd, Dimension.TOKENS: self.budget.overdraft_tokens}
        ceiling = limit + overdraft.get(dimension, 0)
        bearable = ceiling if critical else limit
        most = None if by_hand else bearable
        return Limit(name=name, dimension=dimension, limit=limit, ceiling=ceiling, bearable=bearable, most=most)

    def _by_hand(self, dimension: Dimension, *scopes: str) -> bool:
        """Whether a person set the limit: what it cannot bear may wait for another word."""
        return any((scope, str(dimension)) in self.set for scope in scopes)

    def _set(self, scope: str, name: str | None, dimension: Dimension, default: int | None) -> int | None:
        """What a person set for a scope, or for one account by its name; else what is given."""
        if not self.set:
            return default
        for key in (name, scope):
            if key is not None and (key, str(dimension)) in self.set:
                return self.set[key, str(dimension)]
        return default


def bearer(account: Account, limit: Limit) -> Bearer:
    """The account as the call finds it: with what a person added, and no second overdraft while one is unpaid."""
    bearable, most = limit.bearable, limit.most
    if bearable is not None:
        bearable += account.added
        if account.overdrawn and limit.limit is not None:
            bearable = min(bearable, max(limit.limit + account.added, 0))
    return Bearer(account=account, bearable=bearable, most=None if most is None else most + account.added)


def _asked(budget: TaskBudget, dimension: Dimension) -> int | None:
    """What the task's file allows."""
    match dimension:
        case Dimension.USD:
            return budget.cost
        case Dimension.TOKENS:
            return budget.tokens
        case Dimension.CALLS:
            return budget.calls
        case Dimension.TIME:
            return budget.time
        case Dimension.FILE_EDITS:
            return budget.file_edits
        case Dimension.COMMANDS:
            return budget.commands


def _share(limit: int | None, share: float) -> int | None:
    return None if limit is None else int(limit * share)
