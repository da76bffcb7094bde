"""koubou budget status: how the accounts stand, where spending leads, and what has stopped."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import tzinfo

    from koubou.model.account import Account
    from koubou.model.budget import LimitByHand
    from koubou.model.instant import Instant
    from koubou.views.standing import Fit, Standing

_BAR = 24


def declare(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="also past months and days, and tasks that have ended")
    parser.add_argument(
        "--account", metavar="GLOB", help="only accounts of this name or kind, such as task, 'tier:*' or 'month:2026-*'"
    )
    parser.add_argument("--json", action="store_true", help="one JSON value, with all accounts")
    parser.examples("koubou budget", "koubou budget status --account 'session:*'", "koubou budget status --json")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import say
    from koubou.cli.workshop import workshop_of
    from koubou.rules.latches import ended_by
    from koubou.views.standing import in_order, standing, standing_shape

    workshop = workshop_of(arguments)
    now, zone = say.now(), workshop.timezone
    with workshop.reading() as board, board.picture():
        found = standing(board, now, zone)
        warn_at, by_hand = board.warn_at(), board.limits_by_hand()
    if arguments.json:
        say.print_json(standing_shape(found, by_hand, arguments.account))
        return 0
    for name, reason in found.latches.items():
        print(say.paint(f"STOPPED  {name}: {say.one_line(reason)}  ({ended_by(name)})", "red"))
    blocks = in_order(found, now, everything=arguments.all, wanted=arguments.account)
    _print_blocks(blocks, zone, warn_at)
    if arguments.account is None:
        _print_by_hand(by_hand, now)
        print("\n".join(_leads(found, now, zone)))
    return 0


def _print_blocks(blocks: Sequence[Sequence[Account]], zone: tzinfo, warn_at: float) -> None:
    from koubou.cli import say
    from koubou.cli.table import width

    rows = {account.key: _cells(account) for block in blocks for account in block}
    widths = [max((width(cells[place]) for cells in rows.values()), default=0) for place in range(4)]
    for block in blocks:
        print(f"{say.paint(say.one_line(block[0].name), 'bold')}{_window(block[0], zone)}")
        for account in block:
            dimension, used, left, held = (
                text + " " * (cells - width(text)) for text, cells in zip(rows[account.key][:4], widths, strict=True)
            )
            bar = _bar(account, warn_at)
            print(f"  {dimension}  {bar}  {used}  {left}  {held}  {'  '.join(rows[account.key][4:])}".rstrip())
        print()
    if not blocks:
        print("no such account\n")


def _window(account: Account, zone: tzinfo) -> str:
    from koubou.cli import say
    from koubou.model.instant import moment

    if account.reopens is None:
        return ""
    return say.paint(f"  until {moment(account.reopens).astimezone(zone):%Y-%m-%d %H:%M} ({zone})", "dim")


def _bar(account: Account, warn_at: float) -> str:
    from koubou.cli import say

    if account.limit is None:
        return " " * (_BAR + len(" 100 %"))
    share = account.settled / account.limit if account.limit else 1.0
    colour = "red" if share >= 1 else "yellow" if share >= warn_at else "green"
    return say.paint(say.bar(share, _BAR), colour)


def _cells(account: Account) -> list[str]:
    """Dimension, used of limit, left, held, and what is out of the ordinary."""
    from koubou.cli.budget.amounts import show_amount

    def shown(amount: int) -> str:
        text = show_amount(account.dimension, amount)
        return text.removesuffix(f" {account.dimension.replace('_', ' ')}")

    limit = "no limit" if account.limit is None else f"of {shown(account.limit)}"
    used = f"{shown(account.settled)}{', ' if account.limit is None else ' '}{limit}"
    cells = [
        account.dimension.replace("_", " "),
        used,
        "" if account.left is None else f"{shown(account.left)} left",
        f"{shown(account.held)} held" if account.held else "",
    ]
    if account.unreconciled:
        cells.append(f"{shown(account.unreconciled)} unreconciled")
    if account.added:
        cells.append(f"{shown(account.added)} of it added by hand")
    if account.over:
        cells.append(f"{shown(account.over)} over")
    return cells


def _print_by_hand(limits: Sequence[LimitByHand], now: Instant) -> None:
    """Which limits are not those of the settings, by whom and why."""
    from koubou.cli import say
    from koubou.cli.budget.amounts import show_amount

    if not limits:
        return
    print(say.paint("set by hand, in place of the settings", "bold"))
    for limit in limits:
        amount = "no limit" if limit.amount is None else show_amount(limit.dimension, limit.amount)
        of = f" of {limit.dimension.replace('_', ' ')}" if limit.amount is None else ""
        back = f"koubou budget set {limit.scope} --default {limit.dimension} --reason …"
        told = f"{limit.scope}: {amount}{of}, by {limit.actor} at {say.when(limit.at, now)}: {limit.reason}"
        print(f"  {say.one_line(told)}  ({say.one_line(back)} undoes it)")
    print()


def _leads(found: Standing, now: int, zone: tzinfo) -> Iterator[str]:
    """Where spending leads, in sentences."""
    from koubou.cli.say import money
    from koubou.rules.forecast import LEAST_DAYS

    if found.forecast is None:
        yield f"forecast   none before {LEAST_DAYS} days with spending; {found.days} so far this month"
    else:
        ahead = found.forecast
        fit = "" if ahead.r_squared is None else f", R² {ahead.r_squared:.2f}"
        yield (
            f"forecast   {money(_cents(ahead.amount))} by the end of the month (95 %: {money(_cents(ahead.low))} to "
            f"{money(_cents(ahead.high))}{fit}, {ahead.days} days)"
        )
    yield (
        f"burn       {money(_cents(found.last_day))} a day, {money(_cents(found.last_day // 24))} an hour "
        f"(last 24 hours){_reached(found, now, zone)}"
    )
    if found.fits:
        yield f"room for   {_fits(found.fits)}"


def _reached(found: Standing, now: int, zone: tzinfo) -> str:
    from koubou.model.instant import moment

    if found.reached_at is None or found.month is None or found.month.reopens is None:
        return ""
    if found.reached_at >= found.month.reopens:
        return "; at this rate the limit is not reached this month"
    if found.reached_at <= now:
        return "; nothing is left of the limit"
    return f"; at this rate the limit is reached on {moment(found.reached_at).astimezone(zone):%Y-%m-%d at %H:%M}"


def _fits(fits: Mapping[str, Fit]) -> str:
    from koubou.cli.say import money, one_line

    told = []
    for tier, fit in fits.items():
        where = f"{one_line(tier)}: " if tier else ""
        told.append(
            f"{where}{fit.calls:,} {'call' if fit.calls == 1 else 'calls'} at {money(fit.mean)}"
            + ("" if tier else f" (mean of {fit.of:,})")
            + ("" if fit.account.startswith("month:") else f", by {one_line(fit.account)}")
        )
    return "; ".join(told)


def _cents(amount: int) -> int:
    """Forecasts are not known to the nano-dollar: four digits are enough."""
    if amount < 10_000:
        return amount
    unit: int = 10 ** max(0, len(str(amount)) - 4)
    return round(amount / unit) * unit
