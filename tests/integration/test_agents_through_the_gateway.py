"""The agents' own programs, within walls, reach their model through the gateway: metered, and stopped where it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agents_at_work import CLAUDE, CODEX, ASink, a_manner, a_request, an_agent, needs_claude, needs_codex, needs_walls
from knocking import KEY, OpenGate, a_gateway
from msgspec.structs import replace
from simulator import Simulator

from koubou.backends.opening import open_backend
from koubou.backends.port import Answer
from koubou.leash.holding import Leashes
from koubou.model.call import Bill, ErrorClass
from koubou.model.gate import Denial, Denied, Granted, Wanted
from koubou.model.money import Price, Rates, nano
from koubou.model.tier import Reach, Tier
from koubou.rules.price import cost

pytestmark = needs_walls
MODELS = {"codex": "gpt-5.5", "claude": "claude-sonnet-4-5"}
PRICE = {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75}
BOTH = [pytest.param("codex", marks=needs_codex), pytest.param("claude", marks=needs_claude)]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(dict.fromkeys(MODELS.values(), PRICE), key=KEY) as simulator:
        yield simulator


@pytest.fixture
def provider(running: Simulator) -> Simulator:
    running.reset()
    return running


def a_walled_agent(name: str, provider: Simulator, **fields: Any) -> Tier:
    program = CODEX if name == "codex" else CLAUDE
    rates = Rates(input=nano(3), output=nano(15), cached_input=nano("0.3"), cache_write=nano("3.75"))
    words = {
        "provider": "openai" if name == "codex" else "anthropic",
        "reach": Reach.CLOUD,
        "base_url": provider.base_url,
        "model": MODELS[name],
        "price": Price(base=rates),
        "context_tokens": 200_000,
        "max_output_tokens": 2_000,
    }
    return an_agent(name, a_manner(program or "", sandbox=True), **{**words, **fields})


def ran(tier: Tier, gate: OpenGate, sink: ASink, question: str = "Make the file.") -> Answer:
    async def whole() -> Answer:
        async with a_gateway(tier, gate) as gateway:
            backend = open_backend(tier, (), Leashes(), {tier.name: gateway})
            return await backend.answer(a_request(question), sink)

    return asyncio.run(whole())


@pytest.mark.parametrize("name", BOTH)
def test_the_bill_of_a_run_is_the_sum_of_its_calls(provider: Simulator, tmp_path: Path, name: str) -> None:
    provider.behave(script=[{"tool": "echo one > made.txt"}, {"tool": "ls -l"}, {"say": "Made."}], cached_tokens=50)
    tier, gate, sink = a_walled_agent(name, provider), OpenGate(), ASink(tmp_path / "a" / "1")
    answer = ran(tier, gate, sink)
    assert (answer.error, answer.bill, sink.text) == (None, Bill.NONE, "Made.")
    assert (tmp_path / "a" / "1" / "work" / "made.txt").read_text() == "one\n"
    assert len(gate.results) == provider.bill()["calls"] == 3
    assert tier.price is not None
    billed = sum(cost(result.usage, tier.price) for result in gate.results if result.usage is not None)
    assert billed == provider.bill()["nusd"]
    written = [path.read_text(errors="replace") for path in (tmp_path / "a" / "1").rglob("*") if path.is_file()]
    assert not any(KEY in text for text in written)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("why", [Denial.BUDGET, Denial.SECRECY, Denial.STOP])
def test_an_agent_that_gets_no_further_call_ends_with_the_reason(
    provider: Simulator, tmp_path: Path, name: str, why: Denial
) -> None:
    provider.behave(script=[{"tool": "echo one > made.txt"}, {"say": "Made."}])

    def grant(wanted: Wanted) -> Granted:
        return Granted(ticket=wanted.ticket, call="call-1", cap=1_000)

    def deny(wanted: Wanted) -> Denied:
        return Denied(ticket=wanted.ticket, why=why, message="no more")

    gate = OpenGate(grant, *[deny] * 50)
    answer = ran(a_walled_agent(name, provider), gate, ASink(tmp_path / "a" / "1"))
    kinds = {Denial.BUDGET: ErrorClass.BUDGET, Denial.SECRECY: ErrorClass.SECRET, Denial.STOP: ErrorClass.CANCELLED}
    assert answer.error is not None
    assert answer.error.kind is kinds[why]
    assert provider.bill()["calls"] == len(gate.results) == 1


@pytest.mark.parametrize("name", BOTH)
def test_the_errors_of_the_provider_reach_the_run_with_their_status(
    provider: Simulator, tmp_path: Path, name: str
) -> None:
    provider.behave(errors={"auth": 1})
    answer = ran(a_walled_agent(name, provider), OpenGate(), ASink(tmp_path / "a" / "1"))
    assert answer.error is not None
    assert (answer.error.kind, answer.error.status) == (ErrorClass.AUTH, 401)


@pytest.mark.parametrize("name", BOTH)
def test_a_secret_that_it_comes_upon_does_not_leave_the_house(provider: Simulator, tmp_path: Path, name: str) -> None:
    secret = "AKIA" + "QYLPMN5HHHFPZAM2"
    work = tmp_path / "a" / "1" / "work"
    work.mkdir(parents=True)
    (work / "notes.txt").write_text(f"aws_access_key_id = {secret}\n")
    provider.behave(script=[{"tool": "cat notes.txt"}, {"say": "Read."}])
    answer = ran(a_walled_agent(name, provider), OpenGate(), ASink(tmp_path / "a" / "1"))
    assert answer.error is not None
    assert answer.error.kind is ErrorClass.SECRET
    assert secret not in provider.heard()
    assert secret not in json.dumps(answer.error.message)


@needs_codex
@needs_claude
def test_both_work_side_by_side_each_through_a_door_of_its_own(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(model=MODELS["codex"], script=[{"tool": "echo codex > made.txt"}, {"say": "By Codex."}])
    provider.behave(model=MODELS["claude"], script=[{"tool": "echo claude > made.txt"}, {"say": "By Claude."}])
    members = tuple(replace(a_walled_agent(name, provider), name=name) for name in MODELS)
    tier = an_agent("hybrid", a_manner(""), members=members, join="pick", test=("grep", "-q", "claude", "made.txt"))
    gates, sink = {name: OpenGate() for name in MODELS}, ASink(tmp_path / "a" / "1")

    async def whole() -> Answer:
        async with a_gateway(members[0], gates["codex"]) as one, a_gateway(members[1], gates["claude"]) as other:
            backend = open_backend(tier, (), Leashes(), {"codex": one, "claude": other})
            return await backend.answer(a_request("Make the file."), sink)

    answer = asyncio.run(whole())
    assert (answer.error, answer.model, sink.text) == (None, MODELS["claude"], "By Claude.")
    assert (tmp_path / "a" / "1" / "work" / "made.txt").read_text() == "claude\n"
    assert [len(gate.results) for gate in gates.values()] == [2, 2]
    assert {wanted.tier for wanted in gates["claude"].asked} == {"claude"}
