"""What a person asks for of money: other limits, more for one account, a new period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.errors import IllegalMove, NotAllowed, UnknownTask, UsageMistake
from koubou.model.account import AccountKey, Dimension
from koubou.model.heard import Asked
from koubou.model.instant import Instant
from koubou.rules.admit import show_amount
from koubou.rules.limits import DIMENSIONS_OF
from koubou.rules.windows import day, month
from koubou.steps.shop import Shop

_LARGEST = 1 << 53


def set_limit(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """Another limit in place of the settings' (`amount` null = none), or theirs again (`default`)."""
    operator(asked, "set a limit")
    scope, dimension, reason = _text(asked, "scope"), _dimension(asked), _reason(asked)
    _check_scope(scope, dimension)
    amount = asked.arguments.get("amount")
    if amount == "default":
        shop.board.ledger.unset_limit(scope, dimension)
        told = f"the limit of {scope} is as the settings say"
    else:
        limit = None if amount is None else _amount(amount)
        shop.board.ledger.set_limit(scope, dimension, limit, asked.actor, reason, now)
        told = f"the limit of {scope} is {'none' if limit is None else show_amount(limit, dimension)}"
    shop.limits_changed()
    _open_windows(shop, now)
    _wake_all(shop, now)
    return _done(shop, asked, "budget.set", told, reason, now)


def add(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """More for one account than the settings give it."""
    operator(asked, "add to a budget")
    dimension, reason = _dimension(asked), _reason(asked, needed=False)
    key = AccountKey(_account_name(shop, _text(asked, "account"), now), dimension)
    amount = _amount(asked.arguments.get("amount"))
    if not amount:
        raise UsageMistake("add how much?")
    if key.name.startswith("task:") and shop.board.tasks.get(key.name.removeprefix("task:")) is None:
        raise UnknownTask(f'no task "{key.name.removeprefix("task:")}"')
    found = shop.board.ledger.account(*key)
    if found is not None and found.limit is None and not key.name.startswith("task:"):
        raise IllegalMove(f"{key.name} has no limit of {dimension}: there is nothing to add to")
    shop.board.ledger.add(key, amount, now)
    told = f"{key.name} has {show_amount(amount, dimension)} more"
    return _done(shop, asked, "budget.add", told, reason, now)


def reset(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """A new accounting period: lines are added that take back what was settled; nothing is deleted."""
    operator(asked, "begin a new accounting period")
    reason = _reason(asked)
    name = _account_name(shop, _text(asked, "scope"), now)
    found = [account for dimension in Dimension if (account := shop.board.ledger.account(name, dimension)) is not None]
    if not found:
        raise IllegalMove(f"there is no account {name}")
    for account in found:
        shop.board.ledger.restart(account, f"reset:{shop.new_id()}", now)
    amounts = ", ".join(show_amount(account.settled, account.dimension) for account in found)
    return _done(shop, asked, "budget.reset", f"{name} begins anew; {amounts} no longer count", reason, now)


def operator(asked: Asked, what: str) -> None:
    """Raise NotAllowed for anybody else."""
    if not asked.operator:
        raise NotAllowed(f"only an operator may {what}")


def _open_windows(shop: Shop, now: Instant) -> None:
    for limit in (shop.limits.month(now), *shop.limits.day(now)):
        shop.board.ledger.open_account(limit, now)


def _wake_all(shop: Shop, now: Instant) -> None:
    """Limits of any account may have changed: whoever waits for one asks anew."""
    for key in shop.board.tasks.breached_accounts():
        shop.board.ledger.unpark(key, now)


def _account_name(shop: Shop, scope: str, now: Instant) -> str:
    """The account that a scope means now: `month` is this month's, `tier:x` that of this month."""
    zone = shop.budget.timezone
    if scope == "month":
        return month(now, zone)[0]
    if scope == "day":
        return day(now, zone)[0]
    if scope.startswith(("tier:", "model:", "submitter:")) and ":month:" not in scope:
        return f"{scope}:{month(now, zone)[0]}"
    return scope


def _check_scope(scope: str, dimension: Dimension) -> None:
    kind, _, name = scope.partition(":")
    allowed = DIMENSIONS_OF.get(kind)
    named = ("tier", "model", "submitter")
    if allowed is None or (not name and kind in named) or (name and kind in ("month", "day", "weekend")):
        raise UsageMistake(
            f"a scope is month, day, weekend, task, session, or one of {', '.join(named)}, task, session:NAME"
        )
    if dimension not in allowed:
        raise UsageMistake(f"{kind} has limits of {', '.join(allowed)}, none of {dimension}")


def _dimension(asked: Asked) -> Dimension:
    try:
        return Dimension(str(asked.arguments.get("dimension", Dimension.USD)))
    except ValueError:
        raise UsageMistake(f"a limit is of {', '.join(Dimension)}") from None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _amount(value: Any) -> int:
    if not _is_count(value):
        raise UsageMistake("an amount is a whole number from 0")
    return int(value)


def _text(asked: Asked, name: str) -> str:
    value = asked.arguments.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 300 or not value.isprintable():
        raise UsageMistake(f"which {name}?")
    return value.strip()


def _reason(asked: Asked, *, needed: bool = True) -> str:
    reason = str(asked.arguments.get("reason") or "").strip()[:1_000]
    if needed and not reason:
        raise UsageMistake("this needs a --reason: it stays in the history with your name")
    return reason


def _done(shop: Shop, asked: Asked, event: str, told: str, reason: str, now: Instant) -> Mapping[str, Any]:
    shop.board.history.add(None, event, f"{told}: {reason}" if reason else told, now, asked.actor)
    shop.say(event, "warning", reason=told, actor=asked.actor)
    return {"message": told}
