"""How the money stands: the accounts of now, where spending leads, and how many calls still fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from koubou.model.account import Account
from koubou.model.budget import LimitByHand
from koubou.model.instant import Instant, iso_or_none
from koubou.model.money import Nano, usd
from koubou.model.status import ENDS
from koubou.rules.days import begins, day_of
from koubou.rules.forecast import Forecast, how_many_fit, reached_at
from koubou.rules.latches import EMERGENCY
from koubou.views.shapes import account_shape, by_hand_shape
from koubou.views.spending import spending

if TYPE_CHECKING:
    from koubou.board.reading import Reading
    from koubou.board.reports import PaidCalls

_ORDER = ("month", "day", "tier", "model", "submitter", "session", "task")
_TASK = "task:"
_COUNTED = ("usd", "calls")
_DIMENSIONS = ("usd", "tokens", "calls", "time", "file_edits", "commands")


class Fit(Struct, frozen=True, kw_only=True):
    """Calls that the narrowest account bears which they touch, at the mean of those that cost something this month.

    `account` is that account. What only some calls touch (a session, a submitter) does not count.
    """

    calls: int
    mean: Nano
    of: int
    account: str


class Standing(Struct, frozen=True, kw_only=True):
    """All of it, at one moment. `spent` and `last_day` are by the ledger, and know of no reset."""

    accounts: Sequence[Account]
    latches: Mapping[str, str]
    month: Account | None
    spent: Nano
    last_day: Nano
    forecast: Forecast | None
    days: int
    reached_at: Instant | None
    fits: Mapping[str, Fit]
    """By tier; "" is all of them together."""
    ended: frozenset[str]
    """The names of accounts whose task has ended."""


def standing(board: Reading, now: Instant, zone: tzinfo) -> Standing:
    """What the board says now; ask within one picture."""
    accounts = board.accounts()
    today = day_of(now, zone)
    name = f"month:{today:%Y-%m}"
    month = next((each for each in accounts if each.name == name and each.dimension == "usd"), None)
    spent = spending(board, now, zone)
    left = None if month is None else month.left
    paid = {} if left is None else board.reports.paid_calls(begins(today.replace(day=1), zone), now + 1)
    return Standing(
        accounts=accounts,
        latches=board.latches(),
        month=month,
        spent=spent.spent,
        last_day=spent.last_day,
        forecast=spent.forecast,
        days=spent.days,
        reached_at=None if left is None else reached_at(left, spent.last_day, now),
        fits=_fits(paid, accounts, name, today) if paid else {},
        ended=_ended(board, accounts),
    )


def in_order(standing: Standing, now: Instant, *, everything: bool, wanted: str | None) -> list[list[Account]]:
    """The accounts to be shown, those of one window together: all of them, or those of now that somebody looks at."""
    by_name: dict[str, list[Account]] = {}
    for account in matching(standing.accounts, wanted):
        past = account.reopens is not None and account.reopens <= now
        if everything or wanted is not None or not (past or account.name in standing.ended):
            by_name.setdefault(account.name, []).append(account)
    names = sorted(by_name, key=lambda name: (_ORDER.index(_kind(name)), name))
    return [sorted(by_name[name], key=lambda account: _DIMENSIONS.index(account.dimension)) for name in names]


def matching(accounts: Sequence[Account], wanted: str | None) -> list[Account]:
    """The accounts whose name is like `wanted`; a bare kind, such as `task`, means all of that kind."""
    if wanted is None:
        return list(accounts)
    return [
        account for account in accounts if fnmatchcase(account.name, wanted) or fnmatchcase(account.name, f"{wanted}:*")
    ]


def standing_shape(found: Standing, by_hand: Sequence[LimitByHand], wanted: str | None) -> dict[str, Any]:
    """As `koubou budget status --json` gives it, with the accounts that match `wanted`."""
    return {
        "accounts": [account_shape(account) for account in matching(found.accounts, wanted)],
        "by_hand": [by_hand_shape(limit) for limit in by_hand],
        "emergency": EMERGENCY in found.latches,
        "latches": dict(found.latches),
        "forecast": forecast_shape(found),
        "burn": burn_shape(found),
    }


def forecast_shape(standing: Standing) -> dict[str, Any] | None:
    """The forecast as `--json` gives it; null of fewer than three days."""
    found = standing.forecast
    if found is None:
        return None
    return {
        "usd": usd(found.amount),
        "low_usd": usd(found.low),
        "high_usd": usd(found.high),
        "confidence": 0.95,
        "r_squared": found.r_squared,
        "days": found.days,
        "usd_per_day": usd(found.per_day),
    }


def _within_the_month(standing: Standing) -> Instant | None:
    """When the limit is reached at the pace of the last day; None where its month is over before."""
    ends = standing.month.reopens if standing.month is not None else None
    reached = standing.reached_at
    return None if reached is None or (ends is not None and reached >= ends) else reached


def burn_shape(standing: Standing) -> dict[str, Any]:
    """How fast money is spent, and what that means for the limit."""
    return {
        "spent_usd": usd(standing.spent),
        "usd_per_day": usd(standing.last_day),
        "usd_per_hour": usd(standing.last_day) / 24,
        "limit_reached_at": iso_or_none(_within_the_month(standing)),
        "calls_left": {
            tier or "all": {"calls": fit.calls, "mean_usd": usd(fit.mean), "of": fit.of, "account": fit.account}
            for tier, fit in standing.fits.items()
        },
    }


def _fits(paid: Mapping[str, PaidCalls], accounts: Sequence[Account], month: str, today: date) -> dict[str, Fit]:
    by_name: dict[str, list[Account]] = {}
    for account in accounts:
        by_name.setdefault(account.name, []).append(account)
    calls, cost = sum(each.calls for each in paid.values()), sum(each.cost for each in paid.values())
    windows = (month, f"day:{today}")
    found = {"": _narrowest(calls, cost, by_name, windows)}
    for tier, each in paid.items():
        names = (*windows, f"tier:{tier}:{month}", f"model:{each.model}:{month}")
        found[tier] = _narrowest(each.calls, each.cost, by_name, names)
    return {tier: fit for tier, fit in found.items() if fit is not None}


def _narrowest(calls: int, cost: Nano, by_name: Mapping[str, list[Account]], names: Sequence[str]) -> Fit | None:
    """How many such calls the accounts of these names bear; None where they cost nothing, or nothing limits them."""
    if not calls or cost <= 0:
        return None
    fits = []
    for account in (account for name in names for account in by_name.get(name, ())):
        # A call that begins anew may not fill what lies between the limit and the ceiling.
        left = None if account.limit is None else min(account.left or 0, account.limit - account.settled - account.held)
        many = None if left is None else how_many_fit(left, cost, calls) if account.dimension == "usd" else max(0, left)
        if many is not None and account.dimension in _COUNTED:
            fits.append(Fit(calls=many, mean=cost // calls, of=calls, account=account.name))
    return min(fits, key=lambda fit: fit.calls, default=None)


def _ended(board: Reading, accounts: Sequence[Account]) -> frozenset[str]:
    """Names of accounts whose task has ended, or is no longer on the board."""
    names = {account.name for account in accounts if account.name.startswith(_TASK)}
    found = board.standing([name.removeprefix(_TASK) for name in names])
    return frozenset(name for name in names if found.get(name.removeprefix(_TASK).lower()) in (*ENDS, None))


def _kind(name: str) -> str:
    kind = name.partition(":")[0]
    return kind if kind in _ORDER else _ORDER[-1]
