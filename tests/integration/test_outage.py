"""An outage costs nothing: a thousand answered errors hold money, and give all of it back."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.call import Bill
from koubou.model.instant import HOUR
from koubou.model.money import USD
from koubou.model.status import Status
from koubou.rules.provider_errors import read_error
from tests.builders import a_bench, a_budget, a_new_task, a_tier, tiers
from tests.turns import Workshop

ERRORS = 1_000
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
BROKEN = {"error": {"type": "server_error", "code": "internal_error", "message": "The server had an error"}}
SLOWER = {"error": {"type": "requests", "code": "rate_limit_exceeded", "message": "Rate limit reached"}}
OUTAGE: tuple[tuple[int, dict[str, Any]], ...] = ((529, OVERLOADED), (500, BROKEN), (503, BROKEN), (429, SLOWER))


def a_shop(**tier: Any) -> Workshop:
    """One paid tier that never gives up, and nobody to fall back on."""
    only = a_tier("medium", retries=2 * ERRORS, fallback=None, **tier)
    return Workshop(tiers=tiers(only), budget=a_budget(monthly=1_000 * USD), benches=[a_bench("medium")])


def wait_for_the_next_call(shop: Workshop) -> None:
    """However long the workshop pauses before it tries again; a day is too long."""
    for _ in range(24):
        if shop.sent():
            return
        shop.now += HOUR
        shop.turn()
    pytest.fail(f"nothing is tried again: {shop.task().park}")


def go_through(shop: Workshop, errors: int) -> None:
    """So many calls of the one task are answered with the errors of an outage."""
    for number in range(errors):
        wait_for_the_next_call(shop)
        assert shop.month().held > 0
        shop.start()
        status, body = OUTAGE[number % len(OUTAGE)]
        error, bill = read_error(status, body, errors_are_billed=shop.tiers["medium"].errors_are_billed)
        shop.finish(bill=bill, usage=None, error=error, finish_reason=None)


def spent(shop: Workshop) -> tuple[int, int, int]:
    """Settled, held and unreconciled, over all months that it took."""
    accounts = [account for account in shop.board.ledger.accounts() if account.name.startswith("month:")]
    amounts = ((account.settled, account.held, account.unreconciled) for account in accounts)
    settled, held, unreconciled = map(sum, zip(*amounts, strict=True))
    return settled, held, unreconciled


def test_an_outage_of_a_thousand_answered_errors_costs_nothing() -> None:
    shop = a_shop()
    shop.drop(a_new_task(tier="medium"))
    go_through(shop, ERRORS)
    assert spent(shop) == (0, 0, 0)
    assert shop.board.connection.execute("SELECT count(*) FROM ledger WHERE kind = 'release'").fetchone()[0] == ERRORS
    assert shop.task().outcome is None
    wait_for_the_next_call(shop)  # and when it is over, the task is done, for what it costs and no more
    shop.start()
    shop.finish()
    assert shop.task().outcome is Status.COMPLETED
    assert spent(shop)[0] == shop.task().cost > 0
    assert spent(shop)[1:] == (0, 0)


def test_where_errors_are_billed_each_of_the_providers_faults_costs_what_was_held() -> None:
    shop = a_shop(errors_are_billed=True)
    shop.drop(a_new_task(tier="medium"))
    go_through(shop, 4)
    settled, held, unreconciled = spent(shop)
    assert held == 0
    assert settled == unreconciled > 0
    lines = shop.board.connection.execute("SELECT kind, count(*) FROM ledger GROUP BY kind").fetchall()
    assert dict(map(tuple, lines)) == {"hold": 4, "settle": 3, "release": 1}


@pytest.mark.parametrize(("status", "body"), [(502, None), (500, {"message": "upstream"}), (200, None)])
def test_what_a_proxy_says_is_no_evidence(status: int, body: dict[str, Any] | None) -> None:
    _, bill = read_error(status, body)
    assert bill is Bill.UNKNOWN
