"""Whether a call can be held for now: the ceiling is kept here, before anything is spent."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from koubou.model.account import Amounts, Bearer, Dimension
from koubou.model.decision import Admitted, Breach, Refused
from koubou.model.instant import SECOND, Milliseconds
from koubou.model.money import Nano, Price, show_usd
from koubou.model.status import Park, ParkReason
from koubou.model.tier import Tier
from koubou.rules.bound import affordable_cap, bound

SHORTEST: Milliseconds = 10 * SECOND
"""No call is begun with less time than this, or than its tier gives when that is less."""


_SHOWN: Nano = 1_000
"""People read money to a millionth of a dollar."""


class _Needs(Struct, frozen=True, kw_only=True):
    """What a call needs with a cap and a time."""

    price: Price
    input_tokens: int
    cap: int
    time: Milliseconds

    def amounts(self) -> Amounts:
        return Amounts(
            usd=bound(self.price, self.input_tokens, self.cap),
            tokens=self.input_tokens + self.cap,
            calls=1,
            time=self.time,
        )


def least_amounts(*, tier: Tier, price: Price, input_tokens: int, asked_cap: int | None) -> Amounts:
    """What a call needs at the very least: its input, an answer at the tier's floor, a short time."""
    return _least(tier, price, input_tokens, _wanted_cap(tier, asked_cap)).amounts()


def ask_accounts(
    *,
    tier: Tier,
    price: Price,
    input_tokens: int,
    asked_cap: int | None,
    accounts: Collection[Bearer],
) -> Admitted | Breach | Refused:
    """Hold a call's bound on every account, or say which cannot bear it and how much it would need.

    Output cap and time are lowered to what the tightest account can still bear once everything that is held comes
    back, but never under the tier's floor: what is only held now is worth waiting for, an answer cut short is not.
    """
    wanted = _wanted_cap(tier, asked_cap)
    fewest = _least(tier, price, input_tokens, wanted)
    least = fewest.amounts()
    for bearer in accounts:
        needed = least.of(bearer.account.dimension)
        if bearer.most is not None and needed > bearer.most:
            return _refused(bearer, needed, bearer.most)
    cap, time = wanted, tier.timeout
    for bearer in accounts:
        if bearer.bearable is None:
            continue
        rest = bearer.bearable - bearer.account.settled
        match bearer.account.dimension:
            case Dimension.USD:
                affordable = affordable_cap(price, input_tokens, rest)
                cap = cap if affordable is None else min(cap, affordable)
            case Dimension.TOKENS:
                cap = min(cap, rest - input_tokens)
            case Dimension.TIME:
                time = min(time, rest)
    needs = _Needs(price=price, input_tokens=input_tokens, cap=max(cap, fewest.cap), time=max(time, fewest.time))
    hold = needs.amounts()
    breached = [
        bearer for bearer in accounts if bearer.left is not None and hold.of(bearer.account.dimension) > bearer.left
    ]
    if not breached:
        reason = f"held {show_usd(hold.usd)} for at most {needs.cap} output tokens"
        return Admitted(hold=hold, cap=needs.cap, timeout=needs.time, reason=reason)
    return _breach(hold, least, breached)


def show_amount(amount: int, dimension: str) -> str:
    """An amount as people read it, with its unit."""
    match dimension:
        case Dimension.USD:
            return show_usd(amount)
        case Dimension.TIME:
            return f"{amount / SECOND:,.0f} s"
    return f"{amount:,} {dimension.replace('_', ' ')}"


def option_of(amount: int, dimension: str) -> str:
    """An amount as `koubou budget add` and `set` take it, not less than it is."""
    match dimension:
        case Dimension.USD:
            return f"--usd {show_usd(-(-amount // _SHOWN) * _SHOWN).removeprefix('$')}"
        case Dimension.TIME:
            return f"--time {-(-amount // SECOND)}s"
    return f"--{dimension.replace('_', '-')} {amount}"


def _wanted_cap(tier: Tier, asked_cap: int | None) -> int:
    return min(asked_cap or tier.max_output_tokens, tier.max_output_tokens)


def _least(tier: Tier, price: Price, input_tokens: int, wanted_cap: int) -> _Needs:
    floor = min(tier.min_output_tokens, wanted_cap)
    return _Needs(price=price, input_tokens=input_tokens, cap=floor, time=min(SHORTEST, tier.timeout))


def _refused(bearer: Bearer, needed: int, most: Nano) -> Refused:
    name, dimension = bearer.account.key
    return Refused(
        kind="budget",
        reason=f"the call needs {show_amount(needed, dimension)}, and {name} never allows more than "
        f"{show_amount(most, dimension)}",
        retryable=False,
        remedy=f"{_raised(name, needed, most, dimension)}, then koubou retry ID; or lower max_output_tokens, or name a "
        "cheaper tier",
    )


def _raised(name: str, needed: int, most: int, dimension: str) -> str:
    """The command that lets the account bear it."""
    if name.startswith("task:"):
        return f"koubou budget add ID {option_of(needed - most, dimension)}"
    kind, _, rest = name.partition(":")
    scope = kind if kind in ("month", "day") else f"{kind}:{rest.partition(':month:')[0]}"
    return f"koubou budget set {scope} {option_of(needed, dimension)} --reason …"


def _breach(hold: Amounts, least: Amounts, breached: Collection[Bearer]) -> Breach:
    """A breach is routine: wait for what is held to come back, or for the window to reopen when it is spent."""
    spent = [each for each in breached if each.account.settled + _of(hold, each) > (each.bearable or 0)]
    lasting = [each for each in spent if each.account.reopens is None]
    tightest = min(lasting or spent or breached, key=lambda each: (each.left or 0) - _of(hold, each))
    account, dimension = tightest.account, tightest.account.dimension
    left, most = show_amount(tightest.left or 0, dimension), show_amount(tightest.bearable or 0, dimension)
    detail = f"{account.name} has {left} left of {most}, the call needs {show_amount(_of(hold, tightest), dimension)}"
    reopenings = [] if lasting else [each.account.reopens for each in spent if each.account.reopens is not None]
    until = max(reopenings, default=None)
    if account.held:
        detail += f"; {show_amount(account.held, dimension)} is held by calls under way"
    elif account.name.startswith("task:"):
        task = account.name.removeprefix("task:")
        more = option_of(_of(hold, tightest) - (tightest.left or 0), dimension)
        detail += f"; koubou budget add {task} {more} gives it enough, koubou finish {task} files what there is"
    return Breach(
        park=Park(reason=ParkReason.BUDGET, detail=detail, until=until),
        account=account.key,
        need=_of(hold, tightest),
        least=_of(least, tightest),
        bearable=tightest.bearable or 0,
    )


def _of(amounts: Amounts, bearer: Bearer) -> int:
    return amounts.of(bearer.account.dimension)
