"""Who gets places where several compete for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as some

from koubou.rules.fairness import Candidate, Share, Standing, Wish, deal, share

ALICE, BOB, CAROL = 1000, 1001, 1002
AtWork = Sequence[tuple[int, str | None, int]]


@pytest.mark.parametrize(
    ("places", "competitors", "least", "most"),
    [
        (16, 1, 0, 16),
        (16, 2, 2, 8),
        (1, 2, 0, 1),
        (3, 2, 1, 2),
        (4, 4, 1, 2),
        (4, 5, 0, 2),
        (100, 3, 10, 50),
        (100, 11, 9, 50),
    ],
)
def test_a_tenth_and_a_half_are_rounded_up_and_a_tenth_for_all_must_be_there(
    places: int, competitors: int, least: int, most: int
) -> None:
    assert share(places, competitors) == Share(least, most)


def dealt(places: int, waiting: Sequence[Candidate], at_work: AtWork = ()) -> list[Candidate]:
    """The free places, given to who waits."""
    standing = Standing(
        places=places,
        waiting_owners=list({one.owner for one in waiting})[: places + 1],
        waiting_sessions=list({one.group for one in waiting if one.group is not None})[: places + 1],
        at_work=at_work,
    )

    def ripest(wish: Wish) -> list[Candidate]:
        return [
            one
            for one in sorted(waiting, key=lambda one: (one.ripe_at, one.seq))
            if wish.owner in (None, one.owner)
            and wish.session in (None, one.group)
            and one.owner not in wish.not_owners
            and one.group not in wish.not_sessions
        ][: wish.most]

    return deal(standing, places - sum(taken for _, _, taken in at_work), ripest)


ARRIVALS = count()


def some_of(owner: int, many: int, session: str | None = None, ripe_at: int = 0) -> list[Candidate]:
    return [Candidate(seq=next(ARRIVALS), ripe_at=ripe_at, owner=owner, session=session) for _ in range(many)]


def places_of(owners: Sequence[Candidate]) -> dict[int, int]:
    return dict(Counter(one.owner for one in owners))


def test_who_is_alone_has_every_place() -> None:
    assert len(dealt(16, some_of(ALICE, 99))) == 16
    assert len(dealt(16, some_of(ALICE, 99, "release"))) == 16


def test_of_two_who_want_all_each_has_half_whoever_came_first() -> None:
    assert places_of(dealt(16, [*some_of(ALICE, 99), *some_of(BOB, 99, ripe_at=5)])) == {ALICE: 8, BOB: 8}


def test_a_place_that_nobody_else_wants_is_not_left_free() -> None:
    assert places_of(dealt(16, [*some_of(ALICE, 99), *some_of(BOB, 3, ripe_at=5)])) == {ALICE: 13, BOB: 3}


def test_who_came_last_of_three_has_his_tenth() -> None:
    waiting = [*some_of(ALICE, 99), *some_of(BOB, 99, ripe_at=5), *some_of(CAROL, 99, ripe_at=9)]
    assert places_of(dealt(20, waiting)) == {ALICE: 10, BOB: 8, CAROL: 2}
    assert [one.owner for one in dealt(20, waiting, [(ALICE, None, 10), (BOB, None, 9)])] == [CAROL]


def test_who_had_all_while_he_was_alone_waits_until_the_others_have_theirs() -> None:
    waiting = [*some_of(ALICE, 9), *some_of(BOB, 9, ripe_at=5)]
    assert [one.owner for one in dealt(8, waiting, [(ALICE, None, 7)])] == [BOB]


def test_sessions_of_one_submitter_leave_one_another_their_part() -> None:
    waiting = [*some_of(ALICE, 99, "big"), *some_of(ALICE, 99, "small", ripe_at=5)]
    assert Counter(one.session for one in dealt(10, waiting)) == {"big": 5, "small": 5}


def test_tasks_without_a_session_are_in_no_group() -> None:
    waiting = [*some_of(ALICE, 99), *some_of(ALICE, 99, "late", ripe_at=5)]
    assert Counter(one.session for one in dealt(10, waiting)) == {None: 10}


def test_many_sessions_bring_a_submitter_no_more_than_his_half() -> None:
    waiting = [one for number in range(30) for one in some_of(ALICE, 3, f"s{number}")]
    assert places_of(dealt(10, [*waiting, *some_of(BOB, 99, ripe_at=9)])) == {ALICE: 5, BOB: 5}


candidates = some.lists(
    some.tuples(some.sampled_from([ALICE, BOB, CAROL, 1003]), some.sampled_from([None, "x", "y"]), some.integers(0, 5)),
    max_size=40,
)
work = some.lists(
    some.tuples(some.sampled_from([ALICE, BOB, CAROL]), some.sampled_from([None, "x", "y"]), some.integers(1, 3)),
    max_size=4,
)


@given(some.integers(1, 12), candidates, work)
def test_every_place_goes_to_who_may_have_it(
    places: int, tasks: list[tuple[int, str | None, int]], at_work: list[tuple[int, str | None, int]]
) -> None:
    waiting = [
        Candidate(seq=seq, ripe_at=ripe, owner=owner, session=session)
        for seq, (owner, session, ripe) in enumerate(tasks)
    ]
    free = max(0, places - sum(taken for _, _, taken in at_work))
    got = dealt(places, waiting, at_work)
    assert len(got) == min(free, len(waiting)), "no place stays free"
    assert len({one.seq for one in got}) == len(got)
    owners: Counter[int] = Counter()
    sessions: Counter[tuple[int, str] | None] = Counter()
    for owner, session, taken in at_work:
        owners[owner] += taken
        sessions[None if session is None else (owner, session)] += taken
    groups = {*sessions, *(one.group for one in waiting)} - {None}
    of_session = share(places, len(groups))
    one_each = share(places, len({*owners, *(one.owner for one in waiting)}))
    for number, one in enumerate(got):
        left = [other for other in waiting if other not in got[: number + 1]]
        if owners[one.owner] >= one_each.most:
            assert all(owners[other.owner] >= one_each.most for other in left), "more than half, and others want it"
        if owners[one.owner] >= one_each.least:
            assert all(owners[other.owner] >= one_each.least for other in left), "others have not got their tenth"
        if one.group is not None and sessions[one.group] >= of_session.most:
            assert all(
                owners[other.owner] >= one_each.most
                or (other.group is not None and sessions[other.group] >= of_session.most)
                for other in left
            ), "more than half for one session, and others want it"
        owners[one.owner] += 1
        if one.group is not None:
            sessions[one.group] += 1
