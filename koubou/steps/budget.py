"""What a person asks for of money: other limits, more for one account, a new period, a bill to compare with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from koubou.errors import IllegalMove, NotAllowed, UnknownTask, UsageMistake
from koubou.model.account import AccountKey, Billed, Dimension, HourSpend
from koubou.model.heard import Asked
from koubou.model.instant import HOUR, Instant, iso
from koubou.model.money import Nano, show_usd
from koubou.rules.admit import show_amount
from koubou.rules.latches import latch_of_tier
from koubou.rules.levels import is_unknown_borne
from koubou.rules.limits import DIMENSIONS_OF
from koubou.rules.reconcile import corrections
from koubou.rules.windows import day, month
from koubou.steps.shop import Shop
from koubou.steps.watch import months_limit, stop_everything, watch

_LARGEST = 1 << 53
_MOST_ROWS = 100_000


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


def reconcile(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """Compare a provider's export with the ledger, and add one line a group where they differ."""
    operator(asked, "reconcile the ledger")
    bills = _bills(asked.arguments.get("rows"))
    by_model: dict[str, list[Billed]] = defaultdict(list)
    for bill in bills:
        by_model[bill.model].append(bill)
    groups: list[dict[str, Any]] = []
    above: list[str] = []
    for model, billed in sorted(by_model.items()):
        spent = _spent(shop, model, billed)
        total, known = sum(bill.amount for bill in billed), sum(spend.amount for spend in spent)
        if total > known:
            above.append(f"{model}: billed {show_usd(total)}, in the ledger {show_usd(known)}")
        for bill in sorted(billed, key=lambda each: each.hour):
            groups.append(_correct(shop, bill, [each for each in spent if each.hour == bill.hour], now))
    added = sum(group["added"] for group in groups)
    _lift_pauses(shop, now)
    reason = f"a provider's bill is above the ledger ({'; '.join(above)})" if above else ""
    told = f"{len(groups)} groups from {asked.arguments.get('source') or 'an export'}: {show_usd(abs(added))} "
    told += "more than was known" if added > 0 else "less than was feared"
    _done(shop, asked, "budget.reconciled", told, reason, now)
    if above:
        stop_everything(shop, reason, now, asked.actor, kind="bill_above_ledger")
    return {"groups": groups, "added": added, "alarm": bool(above), "reason": reason}


def operator(asked: Asked, what: str) -> None:
    """Raise NotAllowed for anybody else."""
    if not asked.operator:
        raise NotAllowed(f"only an operator may {what}")


def _spent(shop: Shop, model: str, billed: Sequence[Billed]) -> list[HourSpend]:
    hours = {bill.hour for bill in billed}
    spans = shop.board.ledger.hours(model, min(hours), max(hours) + HOUR)
    return [spend for spend in spans if spend.hour in hours]


def _correct(shop: Shop, bill: Billed, spent: Sequence[HourSpend], now: Instant) -> dict[str, Any]:
    known = sum(spend.amount for spend in spent)
    added: Nano = 0
    feared_by = shop.board.ledger.shared_by_unknown(bill.model, bill.hour)
    for tier, amount in corrections(bill.amount, spent):
        line = Billed(model=bill.model, hour=bill.hour, amount=amount)
        accounts = _windows(shop, bill, tier) if amount > 0 else [key for key in feared_by if _is_window(key)]
        watch(shop, shop.board.ledger.correct(line, tier, accounts, now), now)
        added += amount
    shop.board.ledger.confirm(bill.model, bill.hour, now)
    return {"model": bill.model, "hour": iso(bill.hour), "billed": bill.amount, "ledger": known, "added": added}


def _windows(shop: Shop, bill: Billed, tier: str) -> list[AccountKey]:
    """The accounts of the hour's windows."""
    zone = shop.budget.timezone
    name, _ = month(bill.hour, zone)
    names = [name, day(bill.hour, zone)[0], f"model:{bill.model}:{name}"]
    return [AccountKey(each) for each in (*names, *([f"tier:{tier}:{name}"] if tier else []))]


def _is_window(key: AccountKey) -> bool:
    """What a task or session may still use is not touched by a bill long after."""
    return not key.name.startswith(("task:", "session:"))


def _lift_pauses(shop: Shop, now: Instant) -> None:
    """A tier of which little enough is unknown by now goes on by itself."""
    name, _ = month(now, shop.budget.timezone)
    limit = months_limit(shop, now)
    for tier in shop.tiers:
        account = shop.board.ledger.account(f"tier:{tier}:{name}")
        borne = account is not None and is_unknown_borne(account.unreconciled, limit)
        if borne and shop.board.crew.unlatch(latch_of_tier(tier)):
            shop.reroute(now)
            shop.say("tier.recovered", tier=tier, reason="its calls are reconciled")


def _bills(rows: Any) -> list[Billed]:
    if not isinstance(rows, list) or not rows:
        raise UsageMistake("reconcile needs rows of model, hour and amount")
    if len(rows) > _MOST_ROWS:
        raise UsageMistake(f"at most {_MOST_ROWS:,} rows at once")
    sums: dict[tuple[str, Instant], Nano] = defaultdict(int)
    for row in rows:
        match row:
            case {"model": str(model), "hour": hour, "amount": amount} if (
                model and _is_count(hour) and _is_count(amount)
            ):
                sums[model[:200], hour // HOUR * HOUR] += amount
            case _:
                raise UsageMistake("each row is {model: text, hour: milliseconds, amount: nano-dollars from 0}")
    return [Billed(model=model, hour=hour, amount=amount) for (model, hour), amount in sums.items()]


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
