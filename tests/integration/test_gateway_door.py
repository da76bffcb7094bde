"""The doors of the gateway: who is let in and where, how large and slow a request may be, what is left at the end."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from builders import a_tier
from knocking import KEY, Agent, OpenGate, Visit, a_cloud_tier, a_gateway, an_agent, chat, messages
from simulator import Simulator

from koubou.errors import CannotServe
from koubou.gateway.gateway import Gateway
from koubou.gateway.room import Room
from koubou.model.gate import Denied, Granted, Wanted

NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def provider() -> Iterator[Simulator]:
    with Simulator(key=KEY) as simulator:
        yield simulator


async def through_socket(path: str, token: str, body: dict[str, Any]) -> int:
    connector = aiohttp.UnixConnector(path=path)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.post("http://h/v1/chat/completions", json=body, headers={"x-api-key": token}) as response:
            return response.status


def test_the_same_gateway_is_behind_the_socket_and_the_socket_is_for_its_owner(
    provider: Simulator, tmp_path: Path
) -> None:
    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
            path = agent.door.socket
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            assert await through_socket(path, agent.door.token, chat()) == 200
            assert await through_socket(path, "another", chat()) == 401
        assert not os.path.exists(path)

    asyncio.run(scene())


def test_a_path_that_is_too_long_for_a_socket_will_do(provider: Simulator, tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    (folder / "gateway.sock").touch()

    async def scene() -> int:
        async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), folder) as agent:
            directory = os.open(folder, os.O_PATH)
            try:
                return await through_socket(f"/proc/self/fd/{directory}/gateway.sock", agent.door.token, chat())
            finally:
                os.close(directory)

    assert asyncio.run(scene()) == 200


def test_a_token_is_good_for_its_own_run_only_and_only_while_it_lasts(provider: Simulator, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()

    async def scene() -> None:
        async with (
            a_gateway(a_cloud_tier(provider.base_url), OpenGate()) as gateway,
            aiohttp.ClientSession() as session,
        ):
            async with gateway.door(Visit(folders[0], 1)) as first:
                async with gateway.door(Visit(folders[1], 2)) as second:
                    assert await through_socket(first.socket, second.token, chat()) == 401
                    assert await through_socket(first.socket, first.token, chat()) == 200
                assert (await Agent(second, session).post("/v1/chat/completions", chat()))[0] == 401
                assert (await Agent(first, session).post("/v1/chat/completions", chat()))[0] == 200
            assert (first.calls, second.calls) == (2, 0)

    asyncio.run(scene())


@pytest.mark.parametrize("said", [{"token": "wrong"}, {"Authorization": "Basic x"}, {"token": "\xe9"}])
def test_a_wrong_token_is_refused_in_the_providers_form(tmp_path: Path, said: dict[str, str]) -> None:
    async def scene() -> None:
        gate = OpenGate()
        async with an_agent(a_cloud_tier(NOWHERE), gate, tmp_path) as agent:
            status, _, data = await agent.post("/v1/responses", {"model": "gpt-5", "input": "?"}, **said)
            assert (status, json.loads(data)["error"]["code"]) == (401, "invalid_api_key")
            status, _, data = await agent.post("/v1/messages", messages(), **said)
            assert (status, json.loads(data)["error"]["type"]) == (401, "authentication_error")
            assert gate.asked == []

    asyncio.run(scene())


@pytest.mark.parametrize(
    "path", ["/v1/embeddings", "/v1/responses/resp_1/cancel", "/v1/files", "/", "/v1/messages/batches"]
)
def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    async def scene() -> None:
        async with an_agent(a_cloud_tier(NOWHERE), OpenGate(), tmp_path) as agent:
            status, _, data = await agent.post(path, {})
            assert status == 404
            assert "error" in json.loads(data)

    asyncio.run(scene())


def test_models_and_counts_are_answered_here(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = OpenGate()
        async with an_agent(a_cloud_tier(NOWHERE), gate, tmp_path) as agent, aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{agent.door.port}/v1/models"
            headers = {"Authorization": f"Bearer {agent.door.token}"}
            for more in ({}, {"anthropic-version": "2023-06-01"}):
                async with session.get(url, headers={**headers, **more}) as response:
                    said = await response.json()
                    assert [each["id"] for each in said["data"]] == ["gpt-5"]
            body = messages("x" * 1_000)
            del body["max_tokens"]
            status, _, data = await agent.post("/v1/messages/count_tokens?beta=true", body)
            assert status == 200
            assert 1_000 < json.loads(data)["input_tokens"] < 2_500
            assert gate.asked == []

    asyncio.run(scene())


@pytest.mark.parametrize(("body", "status"), [
    (b"{", 400), (b"[]", 400), (b'"x"', 400), (b"{}", 400), (b'{"model": 5}', 400), (b"\xff", 400),
    (b'{"model":"gpt-5","messages":' + b"[" * 100_000, 400),
    (b'{"model":"gpt-5","messages":[{"role":"user","content":"\xff"}]}', 400),
    (b'{"model":"gpt-5","messages":[{"role":"user","content":NaN}]}', 400),
    (json.dumps(chat(n=2)).encode(), 400),
    (json.dumps(chat(web_search_options={})).encode(), 400),
    (json.dumps({**chat(), "model": "gpt-dear"}).encode(), 404),
])  # fmt: skip
def test_what_may_not_be_sent_is_refused_by_name_and_nothing_is_asked(tmp_path: Path, body: bytes, status: int) -> None:
    async def scene() -> None:
        gate = OpenGate()
        async with an_agent(a_cloud_tier(NOWHERE), gate, tmp_path) as agent:
            assert (await agent.post("/v1/chat/completions", body))[0] == status
            assert agent.door.trouble is not None
            assert not agent.door.hopeless
            assert gate.asked == []

    asyncio.run(scene())


def test_a_request_that_is_too_large_or_compressed_is_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        async with an_agent(a_cloud_tier(NOWHERE), OpenGate(), tmp_path) as agent:
            large = b'{"model":"gpt-5","input":"' + b"x" * (33 * 1024 * 1024) + b'"}'
            with suppress(aiohttp.ClientError):  # the connection may be shut while it is still sending
                assert (await agent.post("/v1/responses", large))[0] == 413
            status, _, data = await agent.post("/v1/responses", b"x", **{"Content-Encoding": "gzip"})
            assert (status, b"compressed" in data) == (400, True)

    asyncio.run(scene())


def test_who_says_nothing_is_put_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koubou.gateway.listening._FIRST", 0.2)

    async def scene() -> bytes:
        async with an_agent(a_cloud_tier(NOWHERE), OpenGate(), tmp_path) as agent:
            reader, writer = await asyncio.open_connection("127.0.0.1", agent.door.port)
            writer.write(b"POST /v1/messages HTTP/1.1\r\nHost:")
            async with asyncio.timeout(20):
                rest = await reader.read()
            writer.close()
            return rest

    assert asyncio.run(scene()) == b""


def test_connections_beyond_the_most_are_put_out_and_the_others_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koubou.gateway.listening._MOST", 5)

    async def scene() -> None:
        async with an_agent(a_cloud_tier(NOWHERE), OpenGate(), tmp_path) as agent, asyncio.timeout(20):
            opened = [await asyncio.open_connection("127.0.0.1", agent.door.port) for _ in range(30)]
            await asyncio.wait([asyncio.ensure_future(opened[-1][0].read())])
            opened[0][1].write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert (await opened[0][0].readline()).startswith(b"HTTP/1.1 401")
            for _, writer in opened:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()

    asyncio.run(scene())


def test_what_a_run_has_with_us_at_a_time_is_bounded_and_the_rest_waits(provider: Simulator, tmp_path: Path) -> None:
    class SlowGate(OpenGate):
        async def ask(self, wanted: Wanted) -> Granted | Denied:
            self.asked.append(wanted)
            called.set()
            await may_go.wait()
            return Granted(ticket=wanted.ticket, call=f"call-{wanted.ticket}", cap=10)

    async def scene() -> None:
        gate = SlowGate()
        async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
            agent.door.room = Room(3_000)
            bodies = [json.dumps(chat("x" * 2_000)).encode(), *[json.dumps(chat("y" * 900)).encode()] * 5]
            posts = [asyncio.ensure_future(agent.post("/v1/chat/completions", body)) for body in bodies]
            posts.append(
                asyncio.ensure_future(agent.post("/v1/messages/count_tokens", json.dumps(messages()).encode()))
            )
            await called.wait()
            for _ in range(20):
                assert (await agent.post("/v1/embeddings", {}))[0] == 404
            assert len(gate.asked) < 4
            may_go.set()
            assert [status for status, _, _ in await asyncio.gather(*posts)] == [200] * 7

    called, may_go = asyncio.Event(), asyncio.Event()
    asyncio.run(scene())


def test_what_cannot_be_served_is_said_at_the_beginning() -> None:
    for url in ("ftp://x/v1", "no address", "http://"):
        with pytest.raises(CannotServe, match="base_url"):
            Gateway(a_tier(base_url=url), (), OpenGateWithoutLoop())
    with pytest.raises(CannotServe, match="no key"):
        Gateway(a_tier(), ("a key\n",), OpenGateWithoutLoop())


class OpenGateWithoutLoop:
    """Nobody asks it."""

    async def ask(self, wanted: object) -> Any:
        raise AssertionError(wanted)

    def done(self, result: object) -> None:
        raise AssertionError(result)


def test_nothing_is_left_open(provider: Simulator, tmp_path: Path) -> None:
    def open_files() -> set[str]:
        found = set()
        for name in os.listdir("/proc/self/fd"):
            try:
                found.add(name + os.readlink(f"/proc/self/fd/{name}"))
            except OSError:
                continue
        return found

    async def scene() -> None:
        before = open_files()
        for _ in range(3):
            async with an_agent(a_cloud_tier(provider.base_url), OpenGate(), tmp_path) as agent:
                reader, writer = await asyncio.open_connection("127.0.0.1", agent.door.port)
                await asyncio.gather(*(agent.post("/v1/chat/completions", chat(stream=True)) for _ in range(8)))
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0)
        assert {name for name in open_files() - before if "socket" in name or "calls" in name} == set()

    asyncio.run(scene())


def test_neither_a_redirect_nor_a_proxy_carries_the_call_away(
    provider: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("http_proxy", url)
        provider.behave(redirect_to=url)
        gate = OpenGate()

        async def scene() -> int:
            async with an_agent(a_cloud_tier(provider.base_url), gate, tmp_path) as agent:
                return (await agent.post("/v1/chat/completions", chat()))[0]

        status = asyncio.run(scene())
        provider.behave(redirect_to=None)
        elsewhere.settimeout(0)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert status == 502
    assert gate.results[0].bill == "unknown"
