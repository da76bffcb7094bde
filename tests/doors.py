"""Which door carries which verb: with the one table of who may, what the tests of all doors expect comes from here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from koubou.model.access import Role, Scope
from koubou.rules.access import OF_THE_HOUSE, VERBS, scope_of


class Door(StrEnum):
    """By what somebody asks."""

    SOCKET = "socket"
    API = "api"
    FOLDER = "folder"


class Outcome(StrEnum):
    """What comes of asking."""

    IMPOSSIBLE = "impossible"
    """This door cannot say it, whoever asks: a usage mistake, a 404, a rejected file."""
    REFUSED = "refused"
    OWN = "own"
    ALL = "all"


SEEN_BY_API = frozenset(
    {
        *("me", "status", "tiers", "workers", "budget", "reports", "metrics"),
        *("list", "show", "explain", "events", "read", "read_confidential"),
    }
)
CHANGED_BY_API = frozenset(
    {
        *("submit", "estimate", "cancel", "retry", "finish", "rate", "priority", "release"),
        *("pause", "resume", "drain", "latch", "resume_budget", "budget_set", "budget_add"),
    }
)
CARRIES: Mapping[Door, frozenset[str]] = {
    Door.SOCKET: frozenset(
        {
            *("ping", "me", "state", "show", "standing", "reload"),
            *("cancel", "retry", "finish", "rate", "priority", "purge", "release"),
            *("pause", "resume", "gc", "latch", "resume_budget", "budget_set", "budget_add", "budget_reset"),
            *("reconcile", "token_add", "token_list", "token_rm"),
            *OF_THE_HOUSE,
        }
    ),
    Door.API: SEEN_BY_API | CHANGED_BY_API,
    Door.FOLDER: frozenset({"submit"}),
}
BY_THE_BOARD_ALONE = frozenset({"audit"})
"""`koubou audit` reads the board's file: who may is for the file system to say."""


def outcome(door: Door, verb: str, role: Role) -> Outcome:
    """What comes of somebody's asking for this by this door."""
    if verb not in CARRIES[door]:
        return Outcome.IMPOSSIBLE
    match Scope.NONE if verb in OF_THE_HOUSE else scope_of(verb, role):
        case Scope.NONE:
            return Outcome.REFUSED
        case Scope.OWN:
            return Outcome.OWN
    return Outcome.ALL


def through(door: Door) -> list[str]:
    """The verbs that this door carries."""
    return sorted(CARRIES[door])


def not_through(door: Door) -> list[str]:
    """Those that it does not."""
    return sorted(VERBS.keys() - CARRIES[door])
