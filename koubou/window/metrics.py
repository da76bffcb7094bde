"""The metrics: what the board and the master's `state` say, in the text format of Prometheus.

Labels are categories of our own: tiers, models and executors of the settings, and words of the code. What there may be
any number of has no series of its own: submitters are counted together, accounts of sessions and tasks are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from koubou import __version__
from koubou.board.reading import Reading
from koubou.model.account import Account, Dimension
from koubou.model.circuit import CircuitState
from koubou.model.figures import COUNTED, Figure, Kind
from koubou.model.instant import SECOND, Instant
from koubou.model.money import usd
from koubou.model.status import ParkReason
from koubou.rules.latches import EMERGENCY, PAUSE
from koubou.window import figures as of

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""Of what `exposition` returns."""
NONE = "none"
"""The label of what has no tier."""
LATCHES = (EMERGENCY, PAUSE, "key", "model", "tier")

Sample = tuple[Figure, Sequence[str], float]


def exposition(reading: Reading, state: Mapping[str, Any] | None, now: Instant) -> bytes:
    """All metrics; `state` is the master's reply, None where no master answers. Raises BoardUnavailable."""
    registry = CollectorRegistry(auto_describe=False)
    with reading.picture():
        samples = [*_of_board(reading, state or {}, now), *_of_master(state)]
    registry.register(_Told(samples, state or {}))
    return generate_latest(registry)


class _Told(Collector):
    """What one scrape is told."""

    def __init__(self, samples: Sequence[Sample], state: Mapping[str, Any]) -> None:
        self._samples = samples
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Each metric with its samples, as far as there are any."""
        metrics: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for figure, labels, value in self._samples:
            if figure.name not in metrics:
                kind = CounterMetricFamily if figure.kind is Kind.COUNTER else GaugeMetricFamily
                metrics[figure.name] = kind(figure.name, figure.help, labels=figure.labels)
            metrics[figure.name].add_metric(labels, value)
        yield from metrics.values()
        for figure in COUNTED:
            if (metric := _counted(figure, self._state)) is not None:
                yield metric


def _counted(figure: Figure, state: Mapping[str, Any]) -> Metric | None:
    """A figure of the master's memory; a master of another version may count it otherwise, or not at all."""
    if figure.kind is Kind.HISTOGRAM:
        spread = HistogramMetricFamily(figure.name, figure.help, labels=figure.labels)
        bounds = [*map(str, figure.buckets), "+Inf"]
        for labels, counts, total in state.get("spreads", {}).get(figure.name, ()):
            if (len(labels), len(counts)) == (len(figure.labels), len(bounds)):
                spread.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), total)
        return spread if spread.samples else None
    counter = CounterMetricFamily(figure.name, figure.help, labels=figure.labels)
    for labels, count in state.get("counts", {}).get(figure.name, ()):
        if len(labels) == len(figure.labels):
            counter.add_metric(labels, count)
    return counter if counter.samples else None


def _of_board(reading: Reading, state: Mapping[str, Any], now: Instant) -> Iterator[Sample]:
    counts = reading.counts
    for tier, status, number in counts.tasks():
        yield of.TASKS, (status, tier or NONE), number
    yield from _each(of.PARKED, ParkReason, reading.parked())
    yield from _each(of.OVER_LIMIT, (), counts.without_money())
    queued = reading.queued()
    tiers = sorted({*state.get("tiers", ()), *queued})
    first = counts.first_in_line(queued)
    yield from _each(of.QUEUE, tiers, queued)
    yield from _each(of.FIRST_WAIT, tiers, {tier: _seconds(now - since) for tier, since in first.items()})
    yield from _each(of.TAKEN, tiers, reading.running())
    yield from _of_latches(reading.latches())
    for owed in counts.owed():
        yield of.OWED, (owed.deed,), owed.count
        yield of.OWED_AGE, (owed.deed,), 0 if owed.since is None else _seconds(now - owed.since)
    yield from _of_accounts(counts.accounts(now))
    limits, used_up = counts.submitters(now)
    yield of.SUBMITTERS, (), limits
    yield of.SUBMITTERS_USED_UP, (), used_up
    size = counts.size()
    yield of.BOARD_BYTES, (), size.used
    yield of.BOARD_FREE, (), size.free
    if state:  # nobody outlives the master by more than seconds, and nobody notes on the board that he is gone
        for tier, status, number in counts.workers():
            yield of.WORKERS, (tier, status), number


def _of_latches(latches: Mapping[str, str]) -> Iterator[Sample]:
    kinds = [name.partition(":")[0] for name in latches]
    yield from _each(of.LATCHES, LATCHES, {kind: kinds.count(kind) for kind in kinds})


def _of_accounts(accounts: Sequence[Account]) -> Iterator[Sample]:
    """The windows of this moment; of two that a changed time zone has left side by side, the later one."""
    current = {(*_whose(account), account.dimension): account for account in accounts}
    for (scope, name, counted), account in current.items():
        dimension = Dimension(counted)
        if dimension not in of.UNITS:
            continue
        for word in ("limit", "settled", "held", "over"):
            if (amount := getattr(account, word)) is not None:
                value = usd(amount) if dimension is Dimension.USD else amount
                yield of.ACCOUNTS[word, dimension], (scope, name), value
        if dimension is Dimension.USD:
            yield of.UNRECONCILED, (scope, name), usd(account.unreconciled)
            if account.limit is not None:
                yield of.WARN_AT, (scope, name), account.warn_percent / 100


def _whose(account: Account) -> tuple[str, str]:
    """Its scope, and the tier or model that it is of: `tier:local:month:2027-01` is of ("tier", "local")."""
    scope, _, rest = account.name.partition(":")
    return scope, rest.rpartition(":month:")[0]


def _of_master(state: Mapping[str, Any] | None) -> Iterator[Sample]:
    yield of.BUILD, (__version__,), 1
    yield of.MASTER_UP, (), state is not None
    if state is None:
        return
    yield of.UPTIME, (), _seconds(state["uptime_ms"])
    yield of.DRAINING, (), state["draining"]
    yield of.INTAKE_PAUSED, (), state.get("intake_paused") is not None
    yield of.BOARD_FAULT, (), state.get("board_fault") is not None
    yield of.TURN_AGE, (), _seconds(state.get("turned_ms_ago", 0))
    yield of.JOURNAL_DROPPED, (), state.get("journal_dropped", 0)
    if (disk := state.get("disk")) is not None:
        yield of.DISK_FREE, (), disk["free"]
        yield of.DISK_LEAST, (), disk["least"]
    for name, tier in state["tiers"].items():
        yield of.PLACES, (name,), tier["places"]
        yield of.OFFERED, (name,), tier["unfit"] is None
        yield from ((of.BREAKER, (name, each), each == tier["breaker"]) for each in CircuitState)


def _each(figure: Figure, known: Sequence[str] | type[ParkReason], found: Mapping[str, float]) -> Iterator[Sample]:
    """What is known, with zero where nothing was found; and whatever else was found."""
    for word in dict.fromkeys((*known, *found)):
        yield figure, (str(word),), found.get(word, 0)


def _seconds(milliseconds: float) -> float:
    """Never below zero: a clock may have been set back."""
    return max(0, milliseconds) / SECOND
