"""An overdraft lets one critical call pass the limit of a task or session, by no more than was granted, once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from koubou.board import Board, open_in_memory
from koubou.model.account import AccountKey, Amounts, Entry, OpenHold
from koubou.model.budget import Budget, Limits
from koubou.model.decision import Admitted
from koubou.model.money import FREE, MILLION, Price, Rates
from koubou.rules.admit import ask_accounts, least_amounts
from koubou.rules.limits import Asking, LimitsInForce, bearer
from tests.builders import NOW, a_task, a_tier

PRICE = Price(base=Rates(input=MILLION, output=MILLION, cached_input=0, cache_write=0))
"""A nano-dollar a token: the money of a call is its tokens."""
CALLS = some.lists(
    some.tuples(some.booleans(), some.integers(1, 40), some.integers(1, 40), some.sampled_from([0, 50, 100, 200])),
    max_size=12,
)
"""Whether it is critical, its input, its answer at most, and how much of its hold it uses in percent."""


@given(limit=some.integers(0, 120), usd=some.integers(0, 60), tokens=some.integers(0, 60), calls=CALLS)
def test_an_overdraft_serves_one_critical_call_and_never_more(
    limit: int, usd: int, tokens: int, calls: list[tuple[bool, int, int, int]]
) -> None:
    board = Board(open_in_memory())
    each = Limits(usd=limit, tokens=limit)
    in_force = LimitsInForce(
        budget=Budget(monthly=None, session=each, task=each, overdraft_usd=usd, overdraft_tokens=tokens)
    )
    granted = {"usd": usd, "tokens": tokens}
    settled: dict[str, int] = dict.fromkeys(granted, 0)
    passed = set[str]()
    for number, (critical, input_tokens, cap, percent) in enumerate(calls):
        tier = a_tier(min_output_tokens=cap, max_output_tokens=cap, price=PRICE)
        least = least_amounts(tier=tier, price=PRICE, input_tokens=input_tokens, asked_cap=None)
        asking = Asking(
            task=replace(a_task(), session="s"),
            tier=tier.name,
            model=tier.model,
            executor="chat",
            least_usd=least.usd,
            least_tokens=least.tokens,
            free=False,
            critical=critical,
        )
        bearers = [bearer(board.ledger.open_account(each, NOW), each) for each in in_force.of_call(asking, NOW)]
        decision = ask_accounts(tier=tier, price=PRICE, input_tokens=input_tokens, asked_cap=None, accounts=bearers)
        needs = input_tokens + cap
        over = {each for each in granted if settled[each] + needs > limit}
        may_pass = critical and not over & passed
        fits = all(settled[each] + needs <= limit + granted[each] * (each in over and may_pass) for each in granted)
        assert isinstance(decision, Admitted) == fits
        if not isinstance(decision, Admitted):
            continue
        passed |= over
        keys = tuple(each.account.key for each in bearers)
        entry = Entry(
            call=f"call-{number}",
            task="a-task",
            operation="general",
            run=1,
            tier=tier.name,
            model=tier.model,
            accounts=keys,
            price=FREE,
        )
        assert board.ledger.hold(entry, decision.hold, bearers, NOW), "the last door agrees with the rule"
        for key in (AccountKey("task:a-task", "usd"), AccountKey("session:s", "tokens")):
            account = board.ledger.account(*key)
            assert account is not None
            assert account.settled + account.held <= limit + granted[key.dimension]
        # What it used is a fact, also where it is more than was held.
        used = needs * percent // 100
        amounts = Amounts(usd=used, tokens=used, calls=1)
        board.ledger.settle(
            OpenHold(entry=entry, amounts=decision.hold, at=NOW), amounts, None, unreconciled=False, now=NOW
        )
        settled = {each: settled[each] + used for each in granted}
