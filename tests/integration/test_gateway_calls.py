"""Calls through the gateway to a provider that keeps its own bill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from knocking import KEY, Agent, OpenGate, Visit, a_cloud_tier, a_gateway, an_agent, chat, lines, messages
from simulator import Simulator

from koubou.model.call import Bill, ErrorClass
from koubou.rules.price import cost


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(key=KEY) as provider:
        yield provider


@pytest.fixture
def provider(simulator: Simulator) -> Simulator:
    simulator.reset()
    return simulator


KINDS = [
    ("/v1/chat/completions", chat),
    ("/chat/completions", chat),
    ("/v1/messages", messages),
    ("/v1/messages?beta=true", messages),
]


@pytest.mark.parametrize(("path", "body"), KINDS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_goes_through_and_its_bill_is_that_of_the_provider(
    provider: Simulator, tmp_path: Path, path: str, body: Any, stream: bool
) -> None:
    tier = a_cloud_tier(provider.base_url)
    gate = OpenGate()

    async def scene() -> tuple[bytes, str]:
        async with an_agent(tier, gate, tmp_path) as agent:
            status, headers, data = await agent.post(path, body(stream=stream))
            assert status == 200
            assert ("event-stream" in headers["Content-Type"]) == stream
            assert agent.door.calls == 1
            assert agent.door.trouble is None
        return data, agent.door.token

    data, token = asyncio.run(scene())
    assert b"word1" in data
    [result] = gate.results
    assert (result.task, result.run, result.call, result.bill) == ("a-task", 1, "call-1", Bill.REPORTED)
    assert result.answered
    assert gate.durable == [1]
    assert result.usage is not None
    assert provider.bill()["input_tokens"] == result.usage.input_tokens
    [line] = lines(tmp_path)
    assert line["streamed"] == stream
    assert line["cost_nusd"] == cost(result.usage, tier.price) if tier.price else None
    assert KEY not in json.dumps(line)
    assert "request" not in line
    [asked] = provider.requests()
    assert asked["key"] == KEY
    sent = json.loads(asked["body"])
    assert sent["service_tier"] in ("default", "standard_only")
    assert gate.asked[0].input_tokens >= len(asked["body"])
    assert token not in provider.heard()


def test_the_cap_that_was_granted_is_the_one_that_is_sent(provider: Simulator, tmp_path: Path) -> None:
    gate = OpenGate(cap=77)

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            await agent.post("/v1/chat/completions", chat(max_tokens=900))
            await agent.post("/v1/chat/completions", chat())
            await agent.post("/v1/messages", messages(thinking={"type": "enabled", "budget_tokens": 31_999}))

    asyncio.run(scene())
    first, second, third = (json.loads(each["body"]) for each in provider.requests())
    assert (first["max_completion_tokens"], second["max_completion_tokens"], third["max_tokens"]) == (77, 77, 77)
    assert "max_tokens" not in first
    assert third["thinking"] == {"type": "disabled"}
    assert [wanted.cap for wanted in gate.asked] == [900, None, 500]


def test_usage_that_only_we_asked_for_is_taken_out_again(provider: Simulator, tmp_path: Path) -> None:
    async def scene(**wish: Any) -> bytes:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
            return (await agent.post("/v1/chat/completions", chat(stream=True, **wish)))[2]

    without, with_usage = asyncio.run(scene()), asyncio.run(scene(stream_options={"include_usage": True}))
    assert b'"usage"' not in without
    assert b'"usage"' in with_usage
    for data in (without, with_usage):
        assert data.endswith(b"data: [DONE]\n\n")


def test_sixty_four_at_once_are_billed_to_the_token(provider: Simulator, tmp_path: Path) -> None:
    tier = a_cloud_tier(provider.base_url)
    gate = OpenGate()
    provider.behave(latency_ms=20, errors={"rate": 0.1, "server": 0.1}, seed=3)

    async def scene() -> list[int]:
        async with an_agent(tier, gate, tmp_path) as agent:
            calls = [agent.post("/v1/chat/completions", chat(f"{n}", stream=n % 2 == 0)) for n in range(64)]
            return [status for status, _, _ in await asyncio.gather(*calls)]

    statuses = asyncio.run(scene())
    assert len(gate.results) == len(lines(tmp_path)) == 64
    assert len({result.call for result in gate.results}) == 64
    assert statuses.count(200) == sum(result.answered for result in gate.results)
    billed = sum(line["cost_nusd"] for line in lines(tmp_path))
    mine = sum(cost(r.usage, tier.price) for r in gate.results if r.usage and tier.price)
    bill = provider.bill()
    assert billed == mine
    assert bill["input_tokens"] == sum(r.usage.input_tokens for r in gate.results if r.usage)
    assert bill["output_tokens"] == sum(r.usage.output_tokens for r in gate.results if r.usage)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("politely", [False, True])
def test_a_cut_answer_is_cut_for_the_agent_as_well_and_nobody_knows_its_bill(
    provider: Simulator, tmp_path: Path, path: str, politely: bool
) -> None:
    provider.behave(cut_after_billing=1, cut_politely=politely)
    gate = OpenGate()

    async def scene() -> ErrorClass | None:
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            body = (chat if "chat" in path else messages)(stream=True)
            with pytest.raises(aiohttp.ClientError):
                await agent.post(path, body)
            return agent.door.trouble and agent.door.trouble.kind

    assert asyncio.run(scene()) is ErrorClass.CUT
    [result] = gate.results
    assert result.bill is Bill.UNKNOWN
    assert lines(tmp_path)[0].get("cost_nusd") is None


def test_a_whole_answer_that_breaks_off_is_no_answer(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(cut_after_billing=1)
    gate = OpenGate()

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            with pytest.raises(aiohttp.ClientError):
                await agent.post("/v1/chat/completions", chat())

    asyncio.run(scene())
    assert gate.results[0].bill is Bill.UNKNOWN


def test_an_answer_without_usage_is_passed_on_and_its_bill_is_unknown(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(missing_usage=1)
    gate = OpenGate()

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            for path, body in KINDS:
                for stream in (False, True):
                    assert (await agent.post(path, body(stream=stream)))[0] == 200

    asyncio.run(scene())
    assert {(result.bill, result.answered) for result in gate.results} == {(Bill.UNKNOWN, True)}


def test_a_provider_that_says_nothing_more_is_left_and_its_bill_is_unknown(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(stalled=True)
    gate = OpenGate()

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url, timeout=300), gate, tmp_path) as agent:
            with pytest.raises(aiohttp.ClientError):
                await agent.post("/v1/chat/completions", chat(stream=True))

    asyncio.run(scene())
    provider.behave(stalled=False)
    [result] = gate.results
    assert (result.bill, result.error and result.error.kind) == (Bill.UNKNOWN, ErrorClass.TIMEOUT)


def test_what_never_left_is_free(tmp_path: Path) -> None:
    gate = OpenGate()

    async def scene() -> tuple[int, Any, Any]:
        async with an_agent(a_cloud_tier("http://127.0.0.1:9/v1"), gate, tmp_path) as agent:
            status, _, data = await agent.post("/v1/responses", {"model": "gpt-5", "input": "Why?"})
            return status, json.loads(data), agent.door.trouble

    status, said, trouble = asyncio.run(scene())
    assert status == 502
    assert said["error"]["code"] == "bad_gateway"
    assert trouble.kind is ErrorClass.UNREACHABLE
    assert gate.results[0].bill is Bill.NONE
    assert lines(tmp_path)[0]["cost_nusd"] == 0


@pytest.mark.parametrize(("kind", "status", "error", "bill"), [
    ("rate", 429, ErrorClass.RATE, Bill.NONE),
    ("quota", 429, ErrorClass.QUOTA, Bill.NONE),
    ("server", 500, ErrorClass.SERVER, Bill.NONE),
    ("context", 400, ErrorClass.CONTEXT, Bill.NONE),
    ("proxy", 502, ErrorClass.PROXY, Bill.UNKNOWN),
])  # fmt: skip
def test_an_error_of_the_provider_is_passed_on_and_told(
    provider: Simulator, tmp_path: Path, kind: str, status: int, error: ErrorClass, bill: Bill
) -> None:
    provider.behave(errors=[kind])
    gate = OpenGate()

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            said, headers, _ = await agent.post("/v1/chat/completions", chat())
            assert said == status
            assert ("retry-after" in {name.lower() for name in headers}) == (kind == "rate")
            assert agent.door.trouble is not None
            assert agent.door.trouble.kind is error
            assert not agent.door.hopeless
            await agent.post("/v1/chat/completions", chat())
            assert agent.door.trouble is None

    asyncio.run(scene())
    assert gate.results[0].bill is bill


def test_a_key_that_is_refused_rests_and_the_agent_never_sees_it(provider: Simulator, tmp_path: Path) -> None:
    gate = OpenGate()

    async def scene() -> tuple[int, int, Any]:
        async with a_gateway(a_cloud_tier(provider.base_url), gate, ("sk-old-key-0000", KEY)) as gateway:
            async with aiohttp.ClientSession() as session, gateway.door(Visit(tmp_path)) as door:
                agent = Agent(door, session)
                first, _, data = await agent.post("/v1/chat/completions", chat())
                assert b"sk-old" not in data
                trouble = door.trouble
                second, _, _ = await agent.post("/v1/chat/completions", chat())
                return first, second, trouble

    first, second, trouble = asyncio.run(scene())
    assert (first, second) == (401, 200)
    assert trouble.another_key


def test_an_agent_that_hangs_up_has_its_answer_read_to_the_end(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(stream_ms=400, output_tokens=200)
    gate = OpenGate()

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            url = f"http://127.0.0.1:{agent.door.port}/v1/chat/completions"
            headers = {"Authorization": f"Bearer {agent.door.token}"}
            async with aiohttp.ClientSession() as other:
                async with other.post(url, json=chat(stream=True), headers=headers) as response:
                    await response.content.readany()
                    response.close()

    asyncio.run(scene())
    [result] = gate.results
    assert (result.bill, result.usage and result.usage.output_tokens) == (Bill.REPORTED, 200)


def test_a_hurry_ends_what_is_under_way_and_lets_nothing_new_in(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(stalled=True)
    gate = OpenGate()

    async def scene() -> None:
        async with a_gateway(a_cloud_tier(provider.base_url), gate) as gateway, aiohttp.ClientSession() as session:
            async with gateway.door(Visit(tmp_path)) as door:
                agent = Agent(door, session)
                call = asyncio.ensure_future(agent.post("/v1/chat/completions", chat()))
                while not provider.bill()["in_flight"]:
                    await asyncio.sleep(0.005)
                gateway.hurry(0.05)
                with pytest.raises(aiohttp.ClientError):
                    await call
                assert (await agent.post("/v1/chat/completions", chat()))[0] == 400

    asyncio.run(scene())
    provider.behave(stalled=False)
    [result] = gate.results
    assert (result.bill, result.error and result.error.kind) == (Bill.UNKNOWN, ErrorClass.CANCELLED)


def test_bodies_are_kept_where_the_settings_wish_it_and_never_the_token(provider: Simulator, tmp_path: Path) -> None:
    from koubou.model.agent import Manner

    async def scene() -> str:
        tier = a_cloud_tier(provider.base_url, agent=Manner(keep_bodies=True))
        async with an_agent(tier, OpenGate(), tmp_path) as agent:
            await agent.post("/v1/chat/completions", chat(f"my key is {agent.door.token}", stream=True))
            return agent.door.token

    token = asyncio.run(scene())
    [line] = lines(tmp_path)
    assert "***" in line["request"]
    assert "[DONE]" in line["answer"]
    assert token not in json.dumps(line)


def test_an_answer_that_quotes_the_key_is_not_kept(provider: Simulator, tmp_path: Path) -> None:
    from koubou.model.agent import Manner

    provider.behave(answer=f"You came with {KEY}.")

    async def scene() -> None:
        tier = a_cloud_tier(provider.base_url, agent=Manner(keep_bodies=True))
        async with an_agent(tier, OpenGate(), tmp_path) as agent:
            await agent.post("/v1/chat/completions", chat())

    asyncio.run(scene())
    provider.behave(answer=None)
    [line] = lines(tmp_path)
    assert KEY not in json.dumps(line)
    assert line["result"]["bill"] == "reported"


def test_a_door_that_is_torn_shut_still_settles_what_was_under_way(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(latency_ms=300)
    gate = OpenGate()

    async def scene() -> None:
        async with a_gateway(a_cloud_tier(provider.base_url), gate) as gateway, aiohttp.ClientSession() as session:

            async def run() -> None:
                async with gateway.door(Visit(tmp_path)) as door:
                    call = asyncio.ensure_future(Agent(door, session).post("/v1/chat/completions", chat()))
                    calls.append(call)
                    while not gate.asked:
                        await asyncio.sleep(0.005)

            calls: list[asyncio.Task[Any]] = []
            task = asyncio.ensure_future(run())
            while not provider.bill()["in_flight"]:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.gather(*calls, return_exceptions=True)
            while not gate.results:
                await asyncio.sleep(0.005)

    asyncio.run(scene())
    assert len(lines(tmp_path)) == 1
    assert gate.results[0].call == "call-1"
