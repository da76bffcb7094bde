"""Whether the money of a call can be held."""

from typing import Any

import pytest

from koubou.model.account import Account
from koubou.model.decision import Admitted, Breach, Refused
from koubou.model.money import USD
from koubou.rules.admit import ask_accounts, option_of
from koubou.rules.bound import bound
from tests.builders import NOW, a_bearer, a_price, a_tier, an_account

PRICE = a_price(1, 10)


def ask(*accounts: Account, cap: int | None = None, **tier: Any) -> Admitted | Breach | Refused:
    return ask_accounts(
        tier=a_tier(**tier),
        price=PRICE,
        input_tokens=1_000,
        asked_cap=cap,
        accounts=[a_bearer(each) for each in accounts],
    )


def test_a_call_that_fits_is_held_at_its_bound() -> None:
    decision = ask(an_account())
    assert isinstance(decision, Admitted)
    assert (decision.cap, decision.hold.usd) == (2_000, bound(PRICE, 1_000, 2_000))


def test_the_task_may_ask_for_less_and_not_for_more() -> None:
    for asked, cap in ((500, 500), (9_000, 2_000)):
        decision = ask(an_account(), cap=asked)
        assert isinstance(decision, Admitted)
        assert decision.cap == cap


def test_a_task_that_never_fits_is_refused_at_once() -> None:
    decision = ask(an_account(ceiling=1_000))
    assert isinstance(decision, Refused)
    assert decision.kind == "budget"
    assert decision.remedy.startswith("koubou budget set month --usd 0.003 --reason …, then koubou retry ID; or lower")


def test_a_task_that_its_own_account_can_never_bear_is_told_how_much_more_it_needs() -> None:
    decision = ask(an_account(name="task:a-task", ceiling=1_000))
    assert isinstance(decision, Refused)
    assert decision.remedy.startswith("koubou budget add ID --usd 0.002999, then koubou retry ID")


@pytest.mark.parametrize(
    ("amount", "dimension", "option"),
    [
        (USD // 2, "usd", "--usd 0.50"),
        (1_000_000_001, "usd", "--usd 1.000001"),
        (90_001, "time", "--time 91s"),
        (7, "file_edits", "--file-edits 7"),
    ],
)
def test_an_amount_is_given_as_an_option_takes_it_and_never_less(amount: int, dimension: str, option: str) -> None:
    assert option_of(amount, dimension) == option


def test_money_that_is_only_held_is_worth_waiting_for_and_has_no_date() -> None:
    decision = ask(an_account(held=USD - 1, reopens=NOW))
    assert isinstance(decision, Breach)
    assert decision.park.until is None
    assert "held by calls under way" in decision.park.detail


def test_what_is_spent_waits_for_the_window_to_reopen() -> None:
    decision = ask(an_account(settled=USD - 1, reopens=NOW))
    assert isinstance(decision, Breach)
    assert decision.park.until == NOW


def test_the_cap_is_lowered_to_what_the_account_can_still_bear_but_not_under_the_floor() -> None:
    left = bound(PRICE, 1_000, 700)
    decision = ask(an_account(settled=USD - left))
    assert isinstance(decision, Admitted)
    assert decision.cap == 700
    tight = ask(an_account(settled=USD - bound(PRICE, 1_000, 100)))
    assert isinstance(tight, Breach)
    assert tight.least == bound(PRICE, 1_000, 200)


def test_held_money_does_not_lower_the_cap() -> None:
    decision = ask(an_account(held=USD - bound(PRICE, 1_000, 700)))
    assert isinstance(decision, Breach)
    assert decision.need == bound(PRICE, 1_000, 2_000)


def test_the_tightest_account_decides() -> None:
    decision = ask(an_account(), an_account(name="task:a-task", ceiling=20_000_000, settled=19_000_000))
    assert isinstance(decision, Breach)
    assert decision.account.name == "task:a-task"
    assert decision.park.until is None


def test_what_no_window_will_bear_again_is_waited_for_and_not_the_next_month() -> None:
    own = an_account(name="task:a-task", settled=USD)
    decision = ask(an_account(settled=USD, reopens=NOW), own)
    assert isinstance(decision, Breach)
    assert (decision.account, decision.park.until) == (own.key, None)


def test_an_account_without_a_limit_bears_everything() -> None:
    assert isinstance(ask(an_account(ceiling=None, settled=10**15)), Admitted)
