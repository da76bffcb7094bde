"""koubou status: how the workshop stands."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from koubou.model.account import Account
    from koubou.views.workshop import Workshop


def declare(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou status", "watch koubou status", "koubou status --json | jq .tasks")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.shapes import account_shape
    from koubou.views.status import gather, said_by_master

    workshop = workshop_of(arguments)
    said = said_by_master(workshop)
    with workshop.reading() as board:
        status, accounts = gather(workshop, board, said)
    if arguments.json:
        print_json({**status, "accounts": [account_shape(account) for account in accounts]})
    else:
        _print(workshop, status, accounts)
    return 0


def _print(workshop: Workshop, status: Mapping[str, Any], accounts: Sequence[Account]) -> None:
    from koubou.cli import say
    from koubou.cli.table import print_table
    from koubou.rules.latches import ended_by

    uptime = f", up {say.lasting(status['uptime_ms'])}" if status["uptime_ms"] is not None else ""
    word = "stopping: takes nothing more in" if status["draining"] else "served"
    served = f"{word}{uptime}" if status["served"] or workshop.served else "not served (start it: koubou serve)"
    print(f"{workshop.layout.home}  {say.paint(served, 'green' if workshop.served else 'yellow')}")
    for name, reason in status["latches"].items():
        print(say.paint(f"STOPPED  {name}: {say.one_line(reason)}  ({ended_by(name)})", "red"))
    counts = [f"{count:,} {word}" for word, count in status["tasks"].items() if count]
    print(f"\ntasks    {', '.join(counts) or 'none'}")
    if status["parked"]:
        print(f"parked   {', '.join(f'{count:,} {reason}' for reason, count in status['parked'].items())}")
    if count := status["rejected"]["last_day"]:
        where = f"{status['rejected']['folder']}/*.error.json"
        print(say.paint(f"refused  {count:,} file{'' if count == 1 else 's'} within the last day: {where}", "yellow"))
    if open_ones := status["without_sandbox"]:
        which = f"{', '.join(open_ones)}: what is confidential does not go there"
        print(say.paint(f"open     agents without a sandbox: {which}", "yellow"))
    _print_money(accounts, status["warn_at"])
    print()
    rows = [
        (name, tier["breaker"] or "–", str(tier["queued"]), f"{tier['running']}/{tier['places']}", _hindrance(tier))
        for name, tier in status["tiers"].items()
    ]
    print_table(("TIER", "BREAKER", "QUEUED", "RUNNING", "WHY NOT NOW"), rows, right=("QUEUED", "RUNNING"))
    alive = [worker for worker in status["workers"] if worker["ended_at"] is None and worker["status"] != "offline"]
    if alive:
        print()
        rows = [
            (worker["worker"], worker["tier"], str(worker["pid"]), worker["status"], str(worker["running"]))
            for worker in alive
        ]
        print_table(("WORKER", "TIER", "PID", "STATUS", "RUNNING"), rows, right=("PID", "RUNNING"))


def _hindrance(tier: Mapping[str, Any]) -> str:
    """What keeps a tier from taking more just now."""
    if tier["unfit"]:
        return f"{tier['unfit']}; looked at next at {tier['looked_at']}" if tier["looked_at"] else str(tier["unfit"])
    return f"its rate lets the next call through at {tier['opens_at']}" if tier["opens_at"] else ""


def _print_money(accounts: Sequence[Account], warn_at: float) -> None:
    from koubou.cli import say

    month = this_month(accounts, say.now())
    if month is None:
        return
    held = f", {say.money(month.held)} held" if month.held else ""
    if not month.limit:
        print(f"month    {say.money(month.settled)} of {say.money(month.limit)}{held}")
        return
    share = month.settled / month.limit
    colour = "red" if share >= 1 else "yellow" if share >= warn_at else "green"
    print(f"month    {say.paint(say.bar(share), colour)}  {say.money(month.settled)} of {say.money(month.limit)}{held}")


def this_month(accounts: Sequence[Account], now: int) -> Account | None:
    """The account of the month that it is now; None before the first `koubou serve` of the month."""
    months = [account for account in accounts if account.name.startswith("month:") and account.dimension == "usd"]
    return next((month for month in months if month.reopens is not None and month.reopens > now), None)
