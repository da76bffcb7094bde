"""What a provider's bill for a model corrects in the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from koubou.model.account import Billed, Booking, HourSpend
from koubou.model.instant import HOUR, Instant, iso
from koubou.model.money import Nano, show_usd
from koubou.rules.bill import CLOCKS, spread, touched


class Group(Struct, frozen=True, kw_only=True):
    """One hour of a bill: what the ledger has for it, and the (tier, amount) of each line that is to be added.

    `final` says that nothing of the hour is under way: what nobody knew of it is known now.
    """

    bill: Billed
    known: Nano
    lines: Sequence[tuple[str, Nano]]
    final: bool

    @property
    def added(self) -> Nano:
        """What its lines come to."""
        return sum(amount for _, amount in self.lines)


class Comparison(Struct, frozen=True, kw_only=True):
    """All hours of a model's bill. `above` says by what it is above all that is known, "" where it is not."""

    groups: Sequence[Group]
    under_way: int
    above: str


class _Hour(Struct, kw_only=True):
    bill: Billed
    final: bool
    spent: list[HourSpend] = field(default_factory=list)

    @property
    def known(self) -> Nano:
        return sum(spend.amount for spend in self.spent)

    @property
    def excess(self) -> Nano:
        return max(0, self.bill.amount - self.known)

    @property
    def spare(self) -> Nano:
        return max(0, self.known - self.bill.amount)


def compare(billed: Sequence[Billed], spent: Iterable[HourSpend], around: Iterable[Booking]) -> Comparison:
    """One model's bill against what the ledger has `spent` in its hours, and the calls `around` them.

    A provider may book a call an hour later than we do. So what is charged is never more than the whole bill is above
    the whole of what is known, and a call counts as known in each hour in which it may be booked; one under way with
    all that is held for it. What comes back is only of hours that the bill is of, and of which nothing is under way.
    """
    covered = {bill.hour for bill in billed}
    calls = [call for call in around if not covered.isdisjoint(touched(call, min(covered), max(covered) + HOUR))]
    under_way = [call for call in calls if call.ended is None]
    late = sum(call.amount for call in calls if call.ended is not None and call.begun // HOUR * HOUR not in covered)
    held = sum(call.amount for call in under_way)
    moving = min((call.begun - CLOCKS for call in under_way), default=None)
    hours = {
        bill.hour: _Hour(bill=bill, final=moving is None or bill.hour + HOUR <= moving)
        for bill in sorted(billed, key=lambda each: each.hour)
    }
    for spend in spent:
        if spend.hour in hours:
            hours[spend.hour].spent.append(spend)
    total, known = sum(bill.amount for bill in billed), sum(hour.known for hour in hours.values())
    room = known + late + held - total
    lines = _charged(hours, -room) if room < 0 else _given_back(hours, room)
    groups = [
        Group(bill=hour.bill, known=hour.known, lines=lines.get(at, ()), final=hour.final) for at, hour in hours.items()
    ]
    above = ""
    if room < 0:
        above = f"{billed[0].model}: billed {show_usd(total)}, in the ledger {show_usd(known + late)}"
        above += f" and at most {show_usd(held)} under way" if held else ""
    return Comparison(groups=groups, under_way=len(under_way), above=above)


def reconciled(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """What is answered to whoever compares, whether or not the lines are added."""
    groups = [
        {
            "model": group.bill.model,
            "hour": iso(group.bill.hour),
            "billed": group.bill.amount,
            "ledger": group.known,
            "added": group.added,
        }
        for comparison in comparisons
        for group in comparison.groups
    ]
    above = "; ".join(comparison.above for comparison in comparisons if comparison.above)
    return {
        "groups": groups,
        "added": sum(group.added for comparison in comparisons for group in comparison.groups),
        "alarm": bool(above),
        "reason": f"a provider's bill is above the ledger ({above})" if above else "",
        "under_way": sum(comparison.under_way for comparison in comparisons),
    }


def by_model(bills: Iterable[Billed]) -> Mapping[str, Sequence[Billed]]:
    """The hours of each model of a bill, by its name."""
    found: dict[str, list[Billed]] = defaultdict(list)
    for bill in bills:
        found[bill.model].append(bill)
    return dict(sorted(found.items()))


def _charged(hours: Mapping[Instant, _Hour], amount: Nano) -> dict[Instant, list[tuple[str, Nano]]]:
    """`amount`, charged to hours whose bill their neighbours do not explain, and there to the tier that spent most."""
    spare = {at: hour.spare for at, hour in hours.items()}
    excess = {}
    for at, hour in hours.items():
        excess[at] = hour.excess
        for neighbour in (at - HOUR, at + HOUR):
            taken = min(excess[at], spare.get(neighbour, 0))
            excess[at] -= taken
            spare[neighbour] = spare.get(neighbour, 0) - taken
    everywhere = [spend for hour in hours.values() for spend in hour.spent]
    parts = spread(amount, excess) if amount < sum(excess.values()) else excess
    return {at: [(_dearest(hours[at].spent or everywhere), part)] for at, part in parts.items() if part}


def _dearest(spent: Sequence[HourSpend]) -> str:
    found = max(spent, key=lambda spend: spend.amount, default=None)
    return found.tier if found else ""


def _given_back(hours: Mapping[Instant, _Hour], room: Nano) -> dict[Instant, list[tuple[str, Nano]]]:
    """What was unknown, as far as the bill is lower: what a provider's own usage says was used stays used."""
    final = [hour for hour in hours.values() if hour.final]
    rest = min(room, sum(hour.known - hour.bill.amount for hour in final))
    found: dict[Instant, list[tuple[str, Nano]]] = {}
    for hour in final:
        spare = hour.spare
        for spend in hour.spent:
            given_back = min(rest, spare, spend.unknown)
            if given_back > 0:
                found.setdefault(hour.bill.hour, []).append((spend.tier, -given_back))
                rest -= given_back
                spare -= given_back
    return found
