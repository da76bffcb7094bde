"""The settings file that is shipped says in words what holds without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from koubou.config.budgets import budget_of
from koubou.config.load import load
from koubou.config.prices import from_table
from koubou.config.tiers import tiers
from koubou.model.decision import Admitted
from koubou.model.task import TYPES
from koubou.rules.admit import ask_accounts, least_amounts
from koubou.rules.bound import input_bound
from koubou.rules.limits import Asking, bearer
from tests.builders import a_task, a_tier
from tests.builders import tiers as tiers_of
from tests.turns import Workshop

SHIPPED = Path(__file__).parents[2] / "etc" / "koubou.yaml"
AT = 1_795_000_000_000


def test_the_shipped_file_is_the_defaults() -> None:
    shipped, default = load(SHIPPED, {}), load(None, {}, system_file=Path("/nonexistent/koubou.yaml"))
    assert shipped.model_dump(exclude={"tiers"}) == default.model_dump(exclude={"tiers"})
    key = {"OPENAI_API_KEY": "x"}
    assert tiers(shipped, key, at=AT) == tiers(default, key, at=AT)


def test_the_shipped_file_names_every_section() -> None:
    import yaml

    assert set(yaml.safe_load(SHIPPED.read_text())) == set(load(SHIPPED, {}).model_dump())


FIRST_REQUESTS = {"codex": (30_000, 16_000), "claude": (88_000, 32_000), "chat": (1_000, 16_000)}
"""Bytes and output cap of the first request of each: measured of the agents, a page of text for a call of our own."""
MODELS = [("gpt-5", "openai"), ("claude-sonnet-4-5", "anthropic"), ("claude-opus-4-5", "anthropic")]


@pytest.mark.parametrize(("model", "provider"), MODELS)
@pytest.mark.parametrize("executor", FIRST_REQUESTS)
@pytest.mark.parametrize("kind", TYPES)
def test_the_first_call_of_every_backend_fits_the_shipped_limits_of_every_type(
    kind: str, executor: str, model: str, provider: str
) -> None:
    budget = budget_of(load(SHIPPED, {}).budget)
    size, cap = FIRST_REQUESTS[executor]
    tier = a_tier(
        "medium", price=from_table(model, provider, None, AT).price, max_output_tokens=cap, min_output_tokens=1_024
    )
    assert tier.price is not None
    shop = Workshop(budget=budget, tiers=tiers_of(tier), now=AT)
    task = a_task(type=kind, input_bytes=size, executor=executor)
    read = input_bound(size, 1)
    least = least_amounts(tier=tier, price=tier.price, input_tokens=read, asked_cap=None)
    asking = Asking(
        task=task,
        tier=tier.name,
        model=model,
        executor=executor,
        least_usd=least.usd,
        least_tokens=least.tokens,
        free=False,
    )
    bearers = [bearer(shop.board.ledger.open_account(limit, AT), limit) for limit in shop.limits.of_call(asking, AT)]
    decision = ask_accounts(tier=tier, price=tier.price, input_tokens=read, asked_cap=None, accounts=bearers)
    assert isinstance(decision, Admitted), decision
    if executor != "chat":
        assert decision.cap == cap, "an agent's own cap is sent as it is"
