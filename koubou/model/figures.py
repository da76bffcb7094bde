"""Figures for the metrics that are counted as things happen: their names, labels and sentences.

A label's values are categories of our own: tiers and executors of the settings, types, classes and events of the code.
None is ever an id, a title, a session, a person or any other word of a task.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a figure does: only grow, go up and down, or show how values are spread."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Figure(Struct, frozen=True, kw_only=True):
    """One metric; `buckets` are the upper bounds of a histogram, rising."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_TURN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_FIRST_TOKEN = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_RUN = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
_WAIT = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0)


def _counter(name: str, help: str, *labels: str) -> Figure:  # noqa: A002 - the word of the format
    return Figure(name=name, kind=Kind.COUNTER, help=help, labels=labels)


def _spread(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Figure:  # noqa: A002 - see above
    return Figure(name=name, kind=Kind.HISTOGRAM, help=help, labels=labels, buckets=buckets)


EVENTS = _counter("koubou_events_total", "Events of the journal, also those below its level.", "event")
CLASSIFIED = _counter(
    "koubou_tasks_classified_total",
    "Tasks by how secret and how hard they were judged to be when they came.",
    "sensitivity",
    "difficulty",
)
TASKS_ENDED = _counter("koubou_tasks_ended_total", "Tasks that ended and were filed.", "status", "tier", "type")
RUNS_ENDED = _counter(
    "koubou_runs_ended_total", "Runs that ended: answered, or by the error's class.", "tier", "executor", "outcome"
)
RETRIES = _counter(
    "koubou_retries_total", "Runs after which a task was tried again, by the error's class.", "tier", "reason"
)
CALLS = _counter(
    "koubou_calls_total",
    "Calls whose hold has ended: settled, unreconciled (nobody knows what it cost) or released (it cost nothing).",
    "tier",
    "outcome",
)
TOKENS = _counter(
    "koubou_tokens_total",
    "Tokens that providers reported; no token is of two kinds, so they can be added.",
    "tier",
    "kind",
)
SPENT = _counter(
    "koubou_spent_usd_total", "US dollars that calls were settled for, before any correction by a bill.", "tier"
)
WAIT = _spread("koubou_wait_seconds", "From when a task could begin to its first run.", _WAIT, "tier")
RUN = _spread(
    "koubou_run_seconds", "How long runs took that ended by themselves, answered or not.", _RUN, "tier", "executor"
)
FIRST_TOKEN = _spread(
    "koubou_first_token_seconds", "From the start of a run to the first of its answer.", _FIRST_TOKEN, "tier"
)
TASK = _spread("koubou_task_seconds", "From a task's arrival to its end.", _WAIT, "tier")
TURN = _spread("koubou_turn_seconds", "How long the master's turns took, from what was heard to the commit.", _TURN)

COUNTED: Sequence[Figure] = (
    *(EVENTS, CLASSIFIED, TASKS_ENDED, RUNS_ENDED, RETRIES, CALLS, TOKENS, SPENT),
    *(WAIT, RUN, FIRST_TOKEN, TASK, TURN),
)
"""All that the master counts in its memory. They begin at zero with each master, as counters may."""
