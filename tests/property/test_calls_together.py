"""Many calls that are held for or end together leave the accounts as they would one after another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from koubou.board import Board, open_in_memory
from koubou.errors import IllegalMove
from koubou.model.account import AccountKey, Amounts, Bearer, Entry, Limit, OpenHold
from tests.builders import NOW, a_price

NAMES = ("month:2027-01", "tier:high:month:2027-01", "task:a-task")
LIMITS = some.lists(
    some.tuples(some.none() | some.integers(0, 40), some.integers(0, 20), some.booleans()), min_size=3, max_size=3
)
CALLS = some.lists(
    some.tuples(some.integers(0, 12), some.integers(0, 20), some.none() | some.integers(0, 60), some.booleans()),
    max_size=12,
)
"""What each holds, uses in the end, and up to where it may fill its accounts; and whether its outcome is unknown."""


def a_board(limits: list[tuple[int | None, int, bool]]) -> Board:
    """Its accounts have these limits, and ceilings so much above them; some carry what is above it already."""
    board = Board(open_in_memory())
    for name, (limit, more, is_over) in zip(NAMES, limits, strict=True):
        ceiling = None if limit is None else limit + more
        account = board.ledger.open_account(Limit(name=name, limit=limit, ceiling=ceiling), NOW)
        if is_over and ceiling is not None:
            board.ledger.count(account.key, ceiling + 1)
    return board


def an_entry(call: int) -> Entry:
    """A call on all three accounts."""
    keys = tuple(AccountKey(name) for name in NAMES)
    return Entry(
        call=f"call-{call}",
        task="a-task",
        operation="general",
        run=1,
        tier="high",
        model="model",
        accounts=keys,
        price=a_price(),
    )


def hold(board: Board, call: int, amount: int, bearable: int | None) -> bool:
    """As the gate does: what one account cannot bear is not held for on any."""
    bearers = [
        Bearer(account=account, bearable=bearable, most=None)
        for account in board.ledger.accounts_of(an_entry(0).accounts)
    ]
    if any(
        bearer.account.over
        or (bearer.account.ceiling is not None and amount > min(bearer.account.left or 0, bearer.left or 0))
        for bearer in bearers
        if bearable is not None or bearer.account.ceiling is not None
    ):
        return False
    return board.ledger.hold(an_entry(call), Amounts(usd=amount), bearers, NOW)


def rows(board: Board) -> list[tuple[object, ...]]:
    """Every account, to the last column."""
    return [tuple(row) for row in board.connection.execute("SELECT * FROM account ORDER BY name")]


@given(limits=LIMITS, calls=CALLS)
def test_together_is_as_one_by_one(limits: list[tuple[int | None, int, bool]], calls: list[tuple]) -> None:  # type: ignore[type-arg]
    alone, together = a_board(limits), a_board(limits)
    one_by_one = [hold(alone, call, amount, bearable) for call, (amount, _, bearable, _) in enumerate(calls)]
    with together.transaction(), together.together():
        at_once = [hold(together, call, amount, bearable) for call, (amount, _, bearable, _) in enumerate(calls)]
    assert at_once == one_by_one
    assert rows(together) == rows(alone)
    begun = [call for call, is_held in enumerate(one_by_one) if is_held]

    def end(board: Board, call: int) -> list[tuple[int, int, int]]:
        amount, used, _, unknown = calls[call]
        promised = OpenHold(entry=an_entry(call), amounts=Amounts(usd=amount), at=NOW)
        accounts = board.ledger.settle(promised, Amounts(usd=used), None, unreconciled=unknown, now=NOW)
        return [(account.settled, account.held, account.unreconciled) for account in accounts]

    seen = [end(alone, call) for call in begun]
    with together.transaction(), together.together():
        assert [end(together, call) for call in begun] == seen
    assert rows(together) == rows(alone)


def hold_on_what_shrinks(board: Board) -> None:
    """Somebody moves an account behind the back of those who hold on it."""
    with board.together():
        assert hold(board, 1, 5, 10)
        board.connection.execute("UPDATE account SET limit_amount = 4, ceiling = 4 WHERE name LIKE 'month:%'")


def test_what_the_board_refuses_in_sum_is_not_held_for_at_all() -> None:
    board = a_board([(10, 0, False), (None, 0, False), (None, 0, False)])
    before = rows(board)
    with board.transaction():
        with pytest.raises(IllegalMove):
            hold_on_what_shrinks(board)
        assert board.ledger.open_hold("call-1") is None
    assert rows(board) == before


def test_what_else_moves_an_account_meanwhile_finds_it_as_it_is() -> None:
    board = a_board([(10, 0, False), (None, 0, False), (None, 0, False)])
    key = AccountKey(NAMES[0])
    with board.transaction(), board.together():
        assert hold(board, 1, 5, 10)
        board.ledger.count(key, 3)
        assert not hold(board, 2, 3, 10)
        assert hold(board, 3, 2, 10)
    account = board.ledger.account(*key)
    assert account is not None
    assert (account.settled, account.held) == (3, 7)


def test_a_rule_that_grants_too_much_is_found_out_at_once() -> None:
    board = a_board([(10, 0, False), (None, 0, False), (None, 0, False)])
    bearers = [Bearer(account=account, bearable=10, most=None) for account in board.ledger.accounts()]
    with board.transaction(), board.together():
        assert board.ledger.hold(an_entry(1), Amounts(usd=6), bearers, NOW)
        assert not board.ledger.hold(an_entry(2), Amounts(usd=6), bearers, NOW)
