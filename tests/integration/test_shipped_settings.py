"""The settings file that is shipped says in words what holds without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from koubou.config.budgets import budget_of
from koubou.config.load import load
from koubou.config.prices import from_table
from koubou.config.tiers import tiers
from koubou.model.account import Entry
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


A_TASK = 20_000
"""Bytes of a long task, beside what the program itself sends."""
CHAT = {"chat": (1_000, 16_000)}
AGENTS = {"codex": (30_000, 32_000), "claude": (88_000, 32_000)}
"""Bytes and output cap of the first request of each: measured of the agents (Codex names no cap, and gets its tier's),
a page of text for a call of our own."""
MODELS = [("gpt-5", "openai"), ("claude-sonnet-4-5", "anthropic"), ("claude-opus-4-5", "anthropic")]


def admitted(kind: str, calls: list[tuple[str, int, int, str, str]], executor: str) -> list[Admitted]:
    """What the shipped limits of a type say of calls at once: program, bytes, cap, model and provider of each."""
    budget = budget_of(load(SHIPPED, {}).budget)
    decisions = []
    shop = Workshop(budget=budget, tiers=tiers_of(a_tier("medium")), now=AT)
    for number, (program, size, cap, model, provider) in enumerate(calls):
        price = from_table(model, provider, None, AT).price
        tier = a_tier(program, price=price, model=model, max_output_tokens=cap, min_output_tokens=1_024)
        task, read = a_task(type=kind, input_bytes=size, executor=executor), input_bound(size, 1)
        least = least_amounts(tier=tier, price=price, input_tokens=read, asked_cap=None)
        asking = Asking(
            task=task,
            tier=tier.name,
            model=model,
            executor=executor,
            least_usd=least.usd,
            least_tokens=least.tokens,
            free=False,
        )
        ledger = shop.board.ledger
        bearers = [bearer(ledger.open_account(limit, AT), limit) for limit in shop.limits.of_call(asking, AT)]
        decision = ask_accounts(tier=tier, price=price, input_tokens=read, asked_cap=None, accounts=bearers)
        assert isinstance(decision, Admitted), decision
        names = tuple(each.account.key for each in bearers)
        entry = Entry(
            call=f"c{number}",
            task=task.id,
            operation=kind,
            run=1,
            tier=tier.name,
            model=model,
            accounts=names,
            price=price,
        )
        assert ledger.hold(entry, decision.hold, bearers, AT)
        decisions.append(decision)
    return decisions


@pytest.mark.parametrize(("model", "provider"), MODELS)
@pytest.mark.parametrize("executor", [*CHAT, *AGENTS])
@pytest.mark.parametrize("kind", TYPES)
def test_the_first_call_of_every_backend_fits_the_shipped_limits_of_every_type(
    kind: str, executor: str, model: str, provider: str
) -> None:
    size, cap = {**CHAT, **AGENTS}[executor]
    size += A_TASK if executor in AGENTS else 0
    [decision] = admitted(kind, [(executor, size, cap, model, provider)], executor)
    if executor in AGENTS:
        assert decision.cap == cap, "an agent's own cap is sent as it is"


@pytest.mark.parametrize("kind", TYPES)
def test_the_first_calls_of_both_agents_side_by_side_fit_too(kind: str) -> None:
    of_each = {"codex": ("gpt-5", "openai"), "claude": ("claude-opus-4-5", "anthropic")}
    calls = [(name, size + A_TASK, cap, *of_each[name]) for name, (size, cap) in AGENTS.items()]
    assert [decision.cap for decision in admitted(kind, calls, "hybrid")] == [32_000, 32_000]


def test_the_shipped_agents_have_the_caps_that_are_reckoned_with(tmp_path: Path) -> None:
    file = tmp_path / "koubou.yaml"
    lines = [f"  {name}: {{executor: {name}, reach: cloud, base_url: 'https://x.com', model: m}}" for name in AGENTS]
    file.write_text("\n".join(["tiers:", *lines]))
    made = tiers(load(file, {}), {}, at=AT)[0]
    assert {name: tier.max_output_tokens for name, tier in made.items()} == {
        name: cap for name, (_, cap) in AGENTS.items()
    }
