"""The figures of a report: what was done, from the tasks; what it cost, from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from koubou.board.reading import Reading
from koubou.board.reports import Sum, total
from koubou.board.work import Failures, Work
from koubou.config.routing import routing_of
from koubou.model.call import Usage
from koubou.model.money import Nano, Price
from koubou.model.task import Difficulty
from koubou.rules.price import cost
from koubou.views.rehearse import tiers_of
from koubou.views.report import user_of
from koubou.views.span import Span

if TYPE_CHECKING:
    from koubou.config.settings import Settings

_FAILURES = 10
_IN_LEDGER: Mapping[str, str] = {"type": "operation"}
"""What the ledger calls it, where it has another word."""


class Saved(Struct, frozen=True, kw_only=True):
    """What the same tokens would have cost on the high tier, at its base price of today; None = it has no price."""

    tier: str
    at_high: Nano | None
    cost: Nano

    @property
    def amount(self) -> Nano | None:
        """What was saved; below zero where the high tier would have been cheaper."""
        return None if self.at_high is None else self.at_high - self.cost


class Figures(Struct, frozen=True, kw_only=True):
    """A report. `work` and `sums` are by `by`; what it cost (`sums`, `by_type`, `by_tier`, `days`) is of the ledger."""

    span: Span
    by: str
    whole: Work
    work: Sequence[Work]
    sums: Mapping[str | int | None, Sum]
    by_type: Sequence[Sum]
    by_tier: Sequence[Sum]
    days: Mapping[date, Mapping[str, Nano]]
    failures: Sequence[Failures]
    saved: Saved

    @property
    def cost(self) -> Nano:
        """All that was spent."""
        return self.saved.cost


def figures_of(board: Reading, settings: Settings, span: Span, by: str, zone: tzinfo) -> Figures:
    """The figures of a time, all of one picture of the board."""
    with board.picture():
        whole, work = board.work.by(by, span.since, span.until)
        sums = board.reports.sums(_IN_LEDGER.get(by, by), span.since, span.until, zone)
        by_type = board.reports.sums("operation", span.since, span.until, zone)
        by_tier = board.reports.sums("tier", span.since, span.until, zone)
        days = board.reports.days(span.since, span.until, zone)
        failures = board.work.failures(span.since, span.until, _FAILURES)
    if by == "submitter":
        work = [replace(each, key=user_of(each.key)) for each in work]
        sums = [replace(each, key=user_of(each.key)) for each in sums]
    known = {each.key for each in work}
    return Figures(
        span=span,
        by=by,
        whole=whole,
        work=[*work, *(Work(key=each.key) for each in sums if each.key not in known)],
        sums={each.key: each for each in sums},
        by_type=by_type,
        by_tier=by_tier,
        days=days,
        failures=failures,
        saved=_saved(total(by_tier), settings),
    )


def _saved(spent: Sum, settings: Settings) -> Saved:
    high = routing_of(settings).tiers[Difficulty.HIGH]
    price = tiers_of(settings)[high].price
    return Saved(tier=high, at_high=None if price is None else _at(price, spent), cost=spent.cost)


def _at(price: Price, spent: Sum) -> Nano:
    """The base rates alone: which calls would have met those of a long context cannot be seen from sums."""
    used = Usage(
        input_tokens=spent.input,
        cached_input_tokens=spent.cached_input,
        cache_write_tokens=spent.cache_write,
        output_tokens=spent.output,
    )
    return cost(used, Price(base=price.base))
