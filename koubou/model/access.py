"""Who may do what, as values: roles and how far they reach, who asks, tokens, and what a submitter may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from koubou.model.instant import Instant
from koubou.model.task import UNBOUND, Bounds


class Role(StrEnum):
    """What somebody is in this workshop, the weakest first."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    OPERATOR = "operator"
    GUARDIAN = "guardian"

    @property
    def rank(self) -> int:
        """0 for a viewer up to 3 for a guardian."""
        return _RANKS[self]


_RANKS: Mapping[Role, int] = {role: rank for rank, role in enumerate(Role)}


class Scope(StrEnum):
    """How far a role reaches with a verb: not at all, to one's own tasks, or to everybody's."""

    NONE = "none"
    OWN = "own"
    ALL = "all"


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: `actor` and `source` stand in the history ("kim", "token:ci"; "socket", "folder", "api 10.0.0.7").

    `house` is true of the workshop's own user (and root) who speaks for himself, never of anybody he speaks for.
    """

    actor: str
    role: Role
    uid: int
    source: str
    house: bool = False


NOBODY_ELSE = -1
"""The uid of the workshop itself: it owns no task."""
WORKSHOP = Caller(actor="koubou", role=Role.GUARDIAN, uid=NOBODY_ELSE, source="workshop", house=True)
"""Who stands in the history where nobody asked."""


class Token(Struct, frozen=True, kw_only=True):
    """A bearer token as the board keeps it: never the secret. It acts for `uid`, which owns what it submits."""

    id: str
    name: str
    role: Role
    uid: int
    created_at: Instant
    created_by: str
    expires_at: Instant | None
    last_used_at: Instant | None
    revoked_at: Instant | None


class Access(Struct, frozen=True, kw_only=True):
    """What the settings say of people: roles and bounds by uid and by gid, and the bounds of whoever is not named.

    `house` are root and the workshop's own user.
    """

    user_roles: Mapping[int, Role] = field(default_factory=dict)
    group_roles: Mapping[int, Role] = field(default_factory=dict)
    user_bounds: Mapping[int, Bounds] = field(default_factory=dict)
    group_bounds: Mapping[int, Bounds] = field(default_factory=dict)
    other_bounds: Bounds = UNBOUND
    house: frozenset[int] = frozenset({0})


EVERYBODY_SUBMITS = Access()
"""Without a word in the settings."""
