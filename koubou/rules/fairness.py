"""Whose turn it is where several submitters, or sessions, compete for the places of a tier.

Each gets at least a tenth of them and none more than half, as places become free; nobody is sent away, and no place
stays free because of it: who is alone, or whom the others leave the rest, has everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from koubou.model.instant import Instant

LEAST_PART = 10
MOST_PART = 2

Session = tuple[int, str]
"""A session belongs to the submitter that made it."""

_FEW = 8
"""So many owners are looked at one by one."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A task that waits for a place."""

    seq: int
    ripe_at: Instant
    owner: int
    session: str | None

    @property
    def group(self) -> Session | None:
        """Its session; a task without one is in no group."""
        return None if self.session is None else (self.owner, self.session)


class Wish(Struct, frozen=True, kw_only=True):
    """The first `most` in dispatch order, of one owner or session if it names one, but not of those others."""

    most: int
    owner: int | None = None
    session: Session | None = None
    not_owners: frozenset[int] = frozenset()
    not_sessions: frozenset[Session] = frozenset()


class Share(Struct, frozen=True):
    """Between how many places each competitor is kept."""

    least: int
    most: int


def share(places: int, competitors: int) -> Share:
    """A tenth and a half, rounded up; where there is not a tenth for each, an equal part, rounded down."""
    if competitors < 2:
        return Share(0, places)
    return Share(min(-(-places // LEAST_PART), places // competitors), -(-places // MOST_PART))


@dataclass(slots=True, kw_only=True)  # no Struct: what it works out by itself is no argument
class Standing:
    """Who has how many of a tier's places, and who waits for one. `at_work` has (owner, session, places).

    Of more who wait than there are places not all need be named.
    """

    places: int
    waiting_owners: Collection[int]
    waiting_sessions: Collection[Session]
    at_work: Collection[tuple[int, str | None, int]]
    owners: Counter[int] = field(init=False, default_factory=Counter)
    sessions: Counter[Session] = field(init=False, default_factory=Counter)
    of_owner: Share = field(init=False)
    of_session: Share = field(init=False)

    def __post_init__(self) -> None:
        for owner, session, taken in self.at_work:
            self.owners[owner] += taken
            if session is not None:
                self.sessions[owner, session] += taken
        self.of_owner = share(self.places, len({*self.owners, *self.waiting_owners}))
        self.of_session = share(self.places, len({*self.sessions, *self.waiting_sessions}))

    def take(self, candidate: Candidate) -> None:
        """It got a place."""
        self.owners[candidate.owner] += 1
        if candidate.group is not None:
            self.sessions[candidate.group] += 1

    def full_owners(self) -> frozenset[int]:
        """Who has all that he may have while others want it."""
        return frozenset(owner for owner, places in self.owners.items() if places >= self.of_owner.most)

    def full_sessions(self) -> frozenset[Session]:
        """The same of sessions."""
        return frozenset(session for session, places in self.sessions.items() if places >= self.of_session.most)


Ripest = Callable[[Wish], Sequence[Candidate]]


def deal(standing: Standing, free: int, ripest: Ripest) -> list[Candidate]:
    """Who gets the `free` places, in this order; `ripest` grants a wish.

    First a tenth for each owner and for each session, then what keeps all under their half, then what nobody else
    wants. Whoever was passed over in one of these rounds cannot come into it again: places are only taken.
    """
    dealt: list[Candidate] = []
    chosen: set[int] = set()

    def give(one: Candidate) -> None:
        dealt.append(one)
        chosen.add(one.seq)
        standing.take(one)

    for one in _in_order(ripest(wish) for wish in _tenths_of_owners(standing)):
        if len(dealt) < free and standing.owners[one.owner] < standing.of_owner.least:
            give(one)
    for one in _in_order(ripest(wish) for wish in _tenths_of_sessions(standing)):
        few = one.group is not None and standing.sessions[one.group] < standing.of_session.least
        if len(dealt) < free and few and one.seq not in chosen and one.owner not in standing.full_owners():
            give(one)
    for keeps_owners, keeps_sessions in ((True, True), (True, False), (False, False)):
        found = True
        while found and len(dealt) < free:
            full = standing.full_owners() if keeps_owners else frozenset()
            sated = standing.full_sessions() if keeps_sessions else frozenset()
            found = False
            for one in _in_order(ripest(wish) for wish in _others(standing, free, full, sated)):
                if one.seq in chosen:
                    continue
                give(one)
                found = True
                if len(dealt) == free or (keeps_owners and standing.full_owners() != full):
                    break
                if keeps_sessions and standing.full_sessions() != sated:
                    break
    return dealt


def _tenths_of_owners(standing: Standing) -> Iterator[Wish]:
    least = standing.of_owner.least
    return (Wish(most=least, owner=owner) for owner in standing.waiting_owners if standing.owners[owner] < least)


def _tenths_of_sessions(standing: Standing) -> Iterator[Wish]:
    least = standing.of_session.least
    return (
        Wish(most=least, session=session) for session in standing.waiting_sessions if standing.sessions[session] < least
    )


def _others(standing: Standing, free: int, full: frozenset[int], sated: frozenset[Session]) -> Iterator[Wish]:
    if not (full or sated) or len(standing.waiting_owners) > min(_FEW, standing.places):
        yield Wish(most=free, not_owners=full, not_sessions=sated)
        return
    # One by one, so that nobody has to look past all that the others have in the queue.
    for owner in standing.waiting_owners:
        if owner not in full:
            yield Wish(most=free, owner=owner, not_sessions=frozenset(each for each in sated if each[0] == owner))


def _in_order(found: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    return sorted((one for some in found for one in some), key=lambda one: (one.ripe_at, one.seq))
