"""How the workshop stands, as metrics: their names, labels and sentences. What is counted stands in `model.figures`.

Everything here is read anew at each scrape, from the board or from the master's `state`.
"""

from __future__ import annotations

from collections.abc import Sequence

from koubou.model.account import Dimension
from koubou.model.figures import COUNTED, Figure, Kind


def _gauge(name: str, help: str, *labels: str) -> Figure:  # noqa: A002 - the word of the format
    return Figure(name=name, kind=Kind.GAUGE, help=help, labels=labels)


BUILD = _gauge("koubou_build_info", "The version of the window that tells all this; always 1.", "version")
MASTER_UP = _gauge("koubou_master_up", "Whether a master answers: 1, or 0. Without one only the board tells.")
UPTIME = _gauge("koubou_master_uptime_seconds", "How long the master has been there.")
DRAINING = _gauge("koubou_draining", "Whether the workshop is being stopped: 1, or 0.")
INTAKE_PAUSED = _gauge("koubou_intake_paused", "Whether nothing more is taken in for now: 1, or 0.")
BOARD_FAULT = _gauge("koubou_board_fault", "Whether the master's last turn could not be written: 1, or 0.")
TURN_AGE = _gauge(
    "koubou_turn_age_seconds", "How long ago the master's last turn ended. An idle one takes one a second."
)
JOURNAL_DROPPED = Figure(
    name="koubou_journal_dropped_lines_total",
    kind=Kind.COUNTER,
    help="Lines of the journal that were lost because nobody took them.",
)

TASKS = _gauge("koubou_tasks", "Tasks on the board; the tier is none for those that met no tier.", "status", "tier")
PARKED = _gauge("koubou_tasks_parked", "Pending tasks that wait for something else than a place.", "reason")
OVER_LIMIT = _gauge(
    "koubou_tasks_over_limit", "Parked tasks that wait for an account to have something left, by its scope.", "scope"
)
QUEUE = _gauge("koubou_queue_tasks", "Tasks that wait for a place in a tier.", "tier")
FIRST_WAIT = _gauge("koubou_queue_first_wait_seconds", "How long the task has waited that is next in line.", "tier")
PLACES = _gauge("koubou_places", "Calls that a tier's whole crew can run at once.", "tier")
TAKEN = _gauge("koubou_places_taken", "Places at which a run is under way.", "tier")
WORKERS = _gauge("koubou_workers", "Living workers. They come when there is work.", "tier", "status")
BREAKER = _gauge("koubou_breaker", "The state of a tier's breaker: 1 for the one in which it is.", "tier", "state")
OFFERED = _gauge("koubou_tier_offered", "Whether tasks are sent to a tier: 1, or 0.", "tier")
LATCHES = _gauge("koubou_latches", "What is stopped until a person says otherwise, by kind.", "kind")
OWED = _gauge("koubou_owed_deeds", "Deeds that the board owes to the world.", "deed")
OWED_AGE = _gauge("koubou_owed_oldest_seconds", "How long the oldest owed deed has been so; 0 where none is.", "deed")

UNITS = {Dimension.USD: "usd", Dimension.TOKENS: "tokens", Dimension.CALLS: "calls"}
"""What accounts of windows count, each in metrics of its own: a metric has one unit."""
_ACCOUNT = ("scope", "name")
_SAID = {
    "limit": "What an account allows in its window, with what a person added",
    "settled": "What has been used of an account",
    "held": "What is promised to calls under way",
    "over": "By how much facts stand above an account's ceiling",
}
ACCOUNTS = {
    (word, dimension): _gauge(f"koubou_account_{word}_{unit}", f"{said}, in {unit}.", *_ACCOUNT)
    for word, said in _SAID.items()
    for dimension, unit in UNITS.items()
}
UNRECONCILED = _gauge(
    "koubou_account_unreconciled_usd", "The part of what is settled that nobody has confirmed, in usd.", *_ACCOUNT
)
WARN_AT = _gauge("koubou_account_warn_ratio", "From which share of an account's limit on people are warned.", *_ACCOUNT)
SUBMITTERS = _gauge("koubou_submitter_limits", "Limits of submitters in this month, all together.")
SUBMITTERS_USED_UP = _gauge("koubou_submitter_limits_used_up", "Those of them that have nothing left.")

BOARD_BYTES = _gauge("koubou_board_bytes", "The size of the board.")
BOARD_FREE = _gauge("koubou_board_free_bytes", "The part of the board that is free for what comes next.")
DISK_FREE = _gauge("koubou_disk_free_bytes", "What is free on the disk of the workshop.")
DISK_LEAST = _gauge("koubou_disk_least_bytes", "Below so much free disk nothing is taken in: intake.min_free_disk.")

GROUPS: dict[str, Sequence[Figure]] = {
    "The workshop": (
        *(BUILD, MASTER_UP, UPTIME, DRAINING, INTAKE_PAUSED, LATCHES, TURN_AGE, BOARD_FAULT),
        JOURNAL_DROPPED,
    ),
    "Money and other limits": (*ACCOUNTS.values(), UNRECONCILED, WARN_AT, SUBMITTERS, SUBMITTERS_USED_UP),
    "Tasks": (TASKS, PARKED, OVER_LIMIT),
    "Queue and crew": (QUEUE, FIRST_WAIT, PLACES, TAKEN, WORKERS, BREAKER, OFFERED),
    "Owed, board and disk": (OWED, OWED_AGE, BOARD_BYTES, BOARD_FREE, DISK_FREE, DISK_LEAST),
    "Counted since the master began": COUNTED,
}
"""Every metric, as the reference shows them."""

ALL: Sequence[Figure] = tuple(figure for group in GROUPS.values() for figure in group)
