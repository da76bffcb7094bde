"""What an agent is told of a call that finds no money."""

from __future__ import annotations

from koubou.model.account import AccountKey
from koubou.model.decision import Breach, Refused
from koubou.model.gate import Denial, Wanted
from koubou.model.money import USD
from koubou.model.status import Park, ParkReason
from koubou.rules.gate import denied_for_money, first_request
from tests.builders import NOW, a_bearer

WANTED = Wanted(task="t", run=1, ticket=3, tier="high", input_tokens=10)


def a_breach(need: int = USD // 2, until: int | None = None) -> Breach:
    """The month cannot bear half a dollar."""
    park = Park(reason=ParkReason.BUDGET, detail="month:2027-01 has too little left", until=until)
    return Breach(park=park, account=AccountKey("month:2027-01"), need=need, least=need, bearable=USD)


def test_what_is_spent_is_refused_for_good_with_the_numbers() -> None:
    told = denied_for_money(WANTED, a_breach(until=NOW), [a_bearer(settled=USD * 9 // 10)])
    assert (told.ticket, told.why, told.wait) == (3, Denial.BUDGET, None)
    assert told.facts["scope"] == "month:2027-01"
    assert told.facts["limit"] == "$1.00"
    assert told.facts["spent"] == "$0.90"
    assert told.facts["resets_at"].startswith("2027-01-15T08:00:00")
    assert told.facts["limit_source"] == "cost"


def test_what_is_only_held_is_worth_a_wait() -> None:
    assert denied_for_money(WANTED, a_breach(), [a_bearer(held=USD * 9 // 10)]).wait
    assert denied_for_money(WANTED, a_breach(), [a_bearer(settled=USD * 6 // 10, held=USD // 10)]).wait is None


def test_what_no_window_ever_bears_says_what_would_help() -> None:
    refused = Refused(kind="budget", reason="never", remedy="koubou budget add ID", retryable=False)
    told = denied_for_money(WANTED, refused, [])
    assert (told.wait, told.facts["remedy_hint"]) == (None, "koubou budget add ID")


def test_a_first_request_is_the_agents_own_words_too() -> None:
    assert first_request("claude") > 88_000
    assert first_request("codex") > 30_000
    assert first_request("hybrid") == first_request("claude")
    assert first_request("command:mine") == 0
