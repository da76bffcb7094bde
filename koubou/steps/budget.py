"""What a person asks for of money: other limits, more for one account, a new period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.errors import IllegalMove, UsageMistake
from koubou.model.account import Dimension
from koubou.model.heard import Asked
from koubou.model.instant import Instant
from koubou.model.money import RICHEST, THE_MOST
from koubou.rules.admit import show_amount
from koubou.steps.priority import weigh_anew
from koubou.steps.scopes import account_of, limit_of, scope_of
from koubou.steps.shop import Shop

_LARGEST = 1 << 53


def set_limit(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """Another limit in place of the settings' (`amount` null = none), or theirs again (`default`)."""
    word, dimension, reason = _text(asked, "scope"), _dimension(asked), _reason(asked)
    amount = asked.arguments.get("amount")
    # What is set already may be taken back, also of a tier or task that is gone.
    gone = amount == "default" and (word, str(dimension)) in shop.limits.set
    scope = word if gone else str(scope_of(shop, word, dimension))
    if amount == "default":
        shop.board.ledger.unset_limit(scope, dimension)
        told = f"the limit of {scope} is as the settings say"
    else:
        limit = None if amount is None else _amount(amount, dimension)
        shop.board.ledger.set_limit(scope, dimension, limit, asked.caller.actor, reason, now)
        told = f"the limit of {scope} is {'none' if limit is None else show_amount(limit, dimension)}"
    told += _take_back(shop, scope, dimension, now)
    shop.limits_changed()
    _open_windows(shop, now)
    shop.board.tasks.wake_all_breached(now)
    return _done(shop, asked, "budget.set", told, reason, now)


def add(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """More for one account than the settings give it."""
    dimension, reason = _dimension(asked), _reason(asked, needed=False)
    amount = _amount(asked.arguments.get("amount"), dimension)
    if not amount:
        raise UsageMistake("add how much?")
    limit = limit_of(shop, _text(asked, "account"), dimension, now)
    found = shop.board.ledger.account(*limit.key) or shop.board.ledger.open_account(limit, now)
    _amount((limit.limit or 0) + found.added + amount, dimension)
    shop.board.ledger.add(limit.key, amount, now)
    weigh_anew(shop, limit.name)
    told = f"{limit.name} has {show_amount(amount, dimension)} more"
    return _done(shop, asked, "budget.add", told, reason, now)


def _take_back(shop: Shop, scope: str, dimension: Dimension, now: Instant) -> str:
    """Who sets a limit says what it is: what was added to it before no longer counts. How to tell of that."""
    account = shop.board.ledger.account(account_of(shop, "day" if scope == "weekend" else scope, now), dimension)
    if account is None or not account.added:
        return ""
    shop.board.ledger.add(account.key, -account.added, now)
    return f"; the {show_amount(account.added, dimension)} that were added to it no longer count"


def reset(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """A new accounting period: lines are added that take back what was settled; nothing is deleted."""
    reason = _reason(asked)
    name = account_of(shop, _text(asked, "scope"), now)
    found = [account for dimension in Dimension if (account := shop.board.ledger.account(name, dimension)) is not None]
    if not found:
        raise IllegalMove(f"there is no account {name}")
    for account in found:
        shop.board.ledger.restart(account, f"reset:{shop.new_id()}", now)
    weigh_anew(shop, name)
    amounts = ", ".join(show_amount(account.settled, account.dimension) for account in found if account.settled)
    told = f"{name} begins anew; {f'{amounts} no longer count' if amounts else 'nothing of it was used'}"
    return _done(shop, asked, "budget.reset", told, reason, now)


def _open_windows(shop: Shop, now: Instant) -> None:
    for limit in (shop.limits.month(now), *shop.limits.day(now)):
        shop.board.ledger.open_account(limit, now)


def _dimension(asked: Asked) -> Dimension:
    try:
        return Dimension(str(asked.arguments.get("dimension", Dimension.USD)))
    except ValueError:
        raise UsageMistake(f"a limit is of {', '.join(Dimension)}") from None


def _amount(value: Any, dimension: Dimension) -> int:
    usd = dimension is Dimension.USD
    if type(value) is not int or not 0 <= value <= (RICHEST if usd else _LARGEST):
        most = f"{THE_MOST}, in nano-dollars" if usd else f"{_LARGEST:,}"
        raise UsageMistake(f"an amount of {dimension} is a whole number from 0 to {most}")
    return value


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
    shop.board.history.add(None, event, f"{told}: {reason}" if reason else told, now, asked.caller)
    shop.say(event, "warning", reason=told, actor=asked.caller.actor)
    return {"message": told}
