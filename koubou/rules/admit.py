"""Whether the money of a call can be held now: the ceiling is kept here, before anything is spent."""

from __future__ import annotations

from collections.abc import Collection

from koubou.model.account import Account
from koubou.model.decision import Admitted, Breach, Refused
from koubou.model.money import Nano, Price, show_usd
from koubou.model.status import Park, ParkReason
from koubou.model.tier import Tier
from koubou.rules.bound import affordable_cap, bound


def ask_accounts(
    *, tier: Tier, price: Price, input_tokens: int, asked_cap: int | None, accounts: Collection[Account]
) -> Admitted | Breach | Refused:
    """Hold a call's bound on every account, or say which cannot bear it and how much it would need.

    The output cap is lowered to what the tightest account can still bear once everything that is held comes back, but
    never under the tier's floor: money that is only held now is worth waiting for, an answer cut short is not.
    """
    wanted_cap = min(asked_cap or tier.max_output_tokens, tier.max_output_tokens)
    floor = min(tier.min_output_tokens, wanted_cap)
    least = bound(price, input_tokens, floor)
    for account in accounts:
        if account.limit is not None and least > account.limit:
            return Refused(
                kind="budget",
                reason=f"the call needs {show_usd(least)}, and {account.name} never allows more than "
                f"{show_usd(account.limit)}",
                retryable=False,
                remedy="raise the limit, lower max_output_tokens, or name a cheaper tier",
            )
    cap = wanted_cap
    for account in accounts:
        if account.ceiling is not None:
            bearable = affordable_cap(price, input_tokens, account.ceiling - account.settled)
            cap = cap if bearable is None else min(cap, max(bearable, floor))
    hold = bound(price, input_tokens, cap)
    breached = [account for account in accounts if account.left is not None and hold > account.left]
    if not breached:
        return Admitted(hold=hold, cap=cap, reason=f"held {show_usd(hold)} for at most {cap} output tokens")
    return _breach(hold, least, breached)


def _breach(hold: Nano, least: Nano, breached: Collection[Account]) -> Breach:
    """A breach is routine: wait for held money to come back, or for the window to reopen when it is spent."""
    spent = [account for account in breached if account.settled + hold > (account.ceiling or 0)]
    tightest = min(spent or breached, key=lambda account: account.left or 0)
    left, ceiling = show_usd(tightest.left or 0), show_usd(tightest.ceiling or 0)
    detail = f"{tightest.name} has {left} left of {ceiling}, the call needs {show_usd(hold)}"
    until = None
    if spent:
        reopenings = [account.reopens for account in spent]
        known = [at for at in reopenings if at is not None]
        until = max(known) if len(known) == len(reopenings) else None
    if tightest.held:
        detail += f"; {show_usd(tightest.held)} is held by calls under way"
    park = Park(reason=ParkReason.BUDGET, detail=detail, until=until)
    return Breach(park=park, account=tightest.name, need=hold, least=least)
