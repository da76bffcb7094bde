"""What the gate and the look for secrets refuse: the agent is told so in its provider's form, and nothing is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from knocking import KEY, Agent, OpenGate, Visit, a_cloud_tier, a_gateway, an_agent, chat, messages
from simulator import Simulator

from koubou.model.call import ErrorClass
from koubou.model.gate import Denial, Denied, Granted, Wanted
from koubou.model.policy import OPEN, Policy
from koubou.model.tier import Reach

FACTS = {"limit_source": "month:2027-01", "limit": 5, "spent": 4, "held": 1, "remedy_hint": "wait"}
CARD = "Pay with 4111 1111 1111 1111, valid 12/29, please."


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(key=KEY) as provider:
        yield provider


@pytest.fixture
def provider(simulator: Simulator) -> Simulator:
    simulator.reset()
    return simulator


def denied(why: Denial, wait: int | None = None) -> Callable[[Wanted], Granted | Denied]:
    facts = FACTS if why is Denial.BUDGET else {}
    return lambda wanted: Denied(ticket=wanted.ticket, why=why, message="no more", wait=wait, facts=facts)


@pytest.mark.parametrize(("why", "openai", "anthropic", "kind"), [
    (Denial.BUDGET, (429, "insufficient_quota"), (403, "permission_error"), ErrorClass.BUDGET),
    (Denial.SECRECY, (400, "secrecy"), (403, "permission_error"), ErrorClass.SECRET),
    (Denial.STOP, (400, "stopped"), (403, "permission_error"), ErrorClass.CANCELLED),
    (Denial.RATE, (429, "rate_limit_exceeded"), (429, "rate_limit_error"), ErrorClass.RATE),
    (Denial.REST, (429, "rate_limit_exceeded"), (529, "overloaded_error"), ErrorClass.RATE),
])  # fmt: skip
def test_what_the_gate_denies_is_told_so_that_the_agent_acts_upon_it(
    provider: Simulator,
    tmp_path: Path,
    why: Denial,
    openai: tuple[int, str],
    anthropic: tuple[int, str],
    kind: ErrorClass,
) -> None:
    hopeless = why not in (Denial.RATE, Denial.REST)

    async def scene() -> None:
        gate = OpenGate(*[denied(why, wait=90_000)] * 2)
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            status, headers, data = await agent.post("/v1/chat/completions", chat())
            said = json.loads(data)["error"]
            assert (status, said["code"]) == openai
            assert said["message"] == "no more"
            assert headers.get("Retry-After") == (None if hopeless else "90")
            if why is Denial.BUDGET:
                assert said["type"] == "insufficient_quota"
                assert FACTS.items() <= said.items()
            assert agent.door.trouble is not None
            assert (agent.door.trouble.kind, agent.door.hopeless) == (kind, hopeless)
            status, _, data = await agent.post("/v1/messages", messages())
            assert (status, json.loads(data)["error"]["type"]) == anthropic
            assert len(gate.asked) == (1 if hopeless else 2)
        assert gate.results == []

    asyncio.run(scene())
    assert provider.requests() == []


def test_a_call_waits_for_a_rate_as_if_the_provider_were_slow(provider: Simulator, tmp_path: Path) -> None:
    async def scene() -> None:
        gate = OpenGate(denied(Denial.RATE, wait=20), denied(Denial.REST, wait=20))
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            assert (await agent.post("/v1/chat/completions", chat()))[0] == 200
        assert len({wanted.ticket for wanted in gate.asked}) == 3

    asyncio.run(scene())


SECRETS: list[tuple[str, Callable[[str], dict[str, Any]]]] = [
    ("/v1/chat/completions", chat),
    ("/v1/messages", messages),
    ("/v1/messages", lambda text: {**messages(), "system": [{"type": "text", "text": text}]}),
    (
        "/v1/messages",
        lambda text: {
            **messages(),
            "messages": [
                {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "R", "input": [text]}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "ok"}]},
            ],
        },
    ),
    (
        "/v1/responses",
        lambda text: {
            "model": "gpt-5",
            "input": [{"type": "function_call_output", "call_id": "1", "output": json.dumps({"output": text})}],
        },
    ),
    ("/v1/responses", lambda text: {"model": "gpt-5", "input": "Go on", "instructions": text}),
    ("/v1/responses", lambda text: {"model": "gpt-5", "input": text}),
    (
        "/v1/responses",
        lambda text: {"model": "gpt-5", "input": "?", "tools": [{"type": "custom", "name": "f", "description": text}]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), SECRETS)
def test_a_secret_is_not_sent_and_ends_the_run(
    provider: Simulator, tmp_path: Path, path: str, body: Callable[[str], dict[str, Any]]
) -> None:
    async def scene() -> None:
        gate = OpenGate()
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            status, _, data = await agent.post(path, body(CARD))
            assert status == (403 if "messages" in path else 400)
            assert b"4111" not in data
            trouble = agent.door.trouble
            assert trouble is not None
            assert (trouble.kind, agent.door.hopeless) == (ErrorClass.SECRET, True)
            assert trouble.code
            assert "4111" not in repr(trouble)
            assert (await agent.post("/v1/chat/completions", chat()))[0] == 400
        assert gate.asked == []

    asyncio.run(scene())
    assert "4111" not in provider.heard()


def test_a_secret_behind_what_was_looked_at_before_is_seen(provider: Simulator, tmp_path: Path) -> None:
    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
            first = chat()
            assert (await agent.post("/v1/chat/completions", first))[0] == 200
            first["messages"] += [{"role": "assistant", "content": "Ok"}, {"role": "user", "content": CARD}]
            assert (await agent.post("/v1/chat/completions", first))[0] == 400

    asyncio.run(scene())
    assert len(provider.requests()) == 1


def test_words_of_the_settings_are_secrets_too_and_what_one_policy_allows_another_looks_at(
    provider: Simulator, tmp_path: Path
) -> None:
    body = messages(system="We are with Bluebird.")
    policy = Policy(confidential_words=("bluebird",))

    async def scene() -> None:
        async with a_gateway(a_cloud_tier(provider.base_url), OpenGate()) as gateway:
            async with aiohttp.ClientSession() as session:
                for number, (rules, status) in enumerate(((OPEN, 200), (OPEN, 200), (policy, 403))):
                    async with gateway.door(Visit(tmp_path, number, policy=rules)) as door:
                        assert (await Agent(door, session).post("/v1/messages", body))[0] == status

    asyncio.run(scene())


def test_what_an_agent_sees_of_its_own_run_in_its_environment_is_no_secret(provider: Simulator, tmp_path: Path) -> None:
    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
            own = f"ANTHROPIC_API_KEY={agent.door.token}\nexport OPENAI_API_KEY='{agent.door.token}'\nPWD=/work\n"
            drawn = "a15b4743b6e603fa449a912272f450e0"
            own += f'CLAUDE_CODE_MESSAGING_TOKEN={drawn}\ndeclare -x CLAUDE_CODE_MESSAGING_TOKEN="{drawn}"\n'
            assert (await agent.post("/v1/messages", messages(own)))[0] == 200
            other = own.replace("MESSAGING", "OAUTH")
            assert (await agent.post("/v1/messages", messages(other)))[0] == 403

    asyncio.run(scene())


def test_a_local_tier_may_hear_secrets(provider: Simulator, tmp_path: Path) -> None:
    async def scene() -> None:
        tier = a_cloud_tier(provider.base_url, reach=Reach.LOCAL)
        async with an_agent(tier, OpenGate(), tmp_path) as agent:
            assert (await agent.post("/v1/chat/completions", chat(CARD)))[0] == 200

    asyncio.run(scene())


def test_what_the_look_chokes_on_is_not_sent(
    provider: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("koubou.gateway.looking.look", broken)

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
            assert (await agent.post("/v1/chat/completions", chat()))[0] == 400
            assert agent.door.trouble is not None
            assert agent.door.trouble.code == "unexamined"

    asyncio.run(scene())
    assert provider.requests() == []


def test_what_an_agent_sees_in_its_own_environment_is_no_secret(provider: Simulator, tmp_path: Path) -> None:
    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
            environment = f"OPENAI_API_KEY={agent.door.token}\nPWD=/work\nOLDPWD=/work/a/b\nPATH=/usr/bin\n"
            environment += "CLAUDE_CODE_MESSAGING_TOKEN=f3585824682bab727e576d1d066e8cf2\n_=/usr/bin/env"
            assert (await agent.post("/v1/chat/completions", chat(environment)))[0] == 200
            another = environment.replace(agent.door.token, f"sk-{agent.door.token[::-1]}")
            assert (await agent.post("/v1/chat/completions", chat(another)))[0] == 400

    asyncio.run(scene())


@pytest.mark.parametrize("line", ["PWD=/workhorse77x!", "MY_PWD=/work#hunter2", "PWD=hunter2-Zq9"])
def test_a_password_that_begins_like_a_place_is_one(provider: Simulator, tmp_path: Path, line: str) -> None:
    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
            assert (await agent.post("/v1/chat/completions", chat(f"USER=me\n{line}\n")))[0] == 400

    asyncio.run(scene())
