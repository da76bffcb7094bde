"""A provider's bill, laid beside the ledger: what differs is added, and what is above it stops the workshop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from koubou.errors import UsageMistake
from koubou.model.account import AccountKey, Billed
from koubou.model.heard import Asked
from koubou.model.instant import HOUR, Instant
from koubou.model.money import RICHEST, THE_MOST, Nano, show_usd
from koubou.rules.bill import NO_TIME, can_be_billed
from koubou.rules.latches import latch_of_tier
from koubou.rules.levels import is_unknown_borne
from koubou.rules.reconcile import Comparison, Group, by_model, compare, reconciled
from koubou.rules.windows import day, month
from koubou.steps.shop import Shop
from koubou.steps.watch import months_limit, stop_everything, watch

_MOST_ROWS = 100_000


def reconcile(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """Compare a provider's export with the ledger, and add one line a group where they differ."""
    bills = _bills(asked.arguments.get("rows"), now)
    comparisons = [_compare(shop, model, billed) for model, billed in by_model(bills).items()]
    for comparison in comparisons:
        for group in comparison.groups:
            _correct(shop, group, now)
    _lift_pauses(shop, now)
    answer = reconciled(comparisons)
    told = f"{len(answer['groups'])} groups from {asked.arguments.get('source') or 'an export'}: "
    told += (
        f"{show_usd(abs(answer['added']))} {'more than was known' if answer['added'] > 0 else 'less than was feared'}"
    )
    shop.board.history.add(None, "budget.reconciled", told, now, asked.caller)
    shop.say("budget.reconciled", "warning", reason=told, actor=asked.caller.actor)
    if answer["alarm"]:
        stop_everything(shop, answer["reason"], now, asked.caller, kind="bill_above_ledger")
    return answer


def _compare(shop: Shop, model: str, billed: Sequence[Billed]) -> Comparison:
    hours = [bill.hour for bill in billed]
    since, until = min(hours), max(hours) + HOUR
    ledger = shop.board.ledger
    return compare(billed, ledger.hours(model, since, until), ledger.bookings(model, since, until))


def _correct(shop: Shop, group: Group, now: Instant) -> None:
    bill = group.bill
    feared_by = shop.board.ledger.shared_by_unknown(bill.model, bill.hour)
    for tier, amount in group.lines:
        line = Billed(model=bill.model, hour=bill.hour, amount=amount)
        accounts = _windows(shop, bill, tier) if amount > 0 else [key for key in feared_by if _is_window(key)]
        watch(shop, shop.board.ledger.correct(line, tier, accounts, now), now)
    if group.final:
        shop.board.ledger.confirm(bill.model, bill.hour, now)


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


def _bills(rows: Any, now: Instant) -> list[Billed]:
    if not isinstance(rows, list) or not rows:
        raise UsageMistake("reconcile needs rows of model, hour and amount")
    if len(rows) > _MOST_ROWS:
        raise UsageMistake(f"at most {_MOST_ROWS:,} rows at once")
    sums: dict[tuple[str, Instant], Nano] = defaultdict(int)
    for number, row in enumerate(rows, start=1):
        match row:
            case {"model": str(model), "hour": int(hour), "amount": int(amount)} if model and type(amount) is int:
                if not can_be_billed(hour, now):
                    raise UsageMistake(f"row {number} {NO_TIME}")
                if not 0 <= amount <= RICHEST:
                    raise UsageMistake(f"row {number} has an amount that is not from $0 to {THE_MOST}")
                sums[model[:200], hour // HOUR * HOUR] += amount
            case _:
                raise UsageMistake(f"row {number} is not {{model: text, hour: milliseconds, amount: nano-dollars}}")
    if sum(sums.values()) > RICHEST:
        raise UsageMistake(f"the rows come to more than {THE_MOST}")
    return [Billed(model=model, hour=hour, amount=amount) for (model, hour), amount in sums.items()]
