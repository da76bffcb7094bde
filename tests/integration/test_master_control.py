"""The control socket: who asks is known by the kernel's word, and nobody who asks badly disturbs the others."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from koubou.errors import NoMaster, UnknownTask
from koubou.master.control import NAME, Control
from koubou.model.access import Caller, Role
from koubou.views.control import ask


class Answers:
    """Notes who asked what; the verb `wait` is answered only once it may be."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Caller, dict[str, Any]]] = []
        self.may = asyncio.Event()

    async def __call__(self, verb: str, caller: Caller, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        self.heard.append((verb, caller, dict(arguments)))
        if verb == "wait":
            await self.may.wait()
        if verb == "unknown":
            return {"error": {"kind": "unknown_task", "message": "no task"}}
        return {"ok": {"verb": verb, **arguments}}


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Control, Answers]]:
    answers = Answers()
    control = Control(str(folder), answers)
    await control.open()
    try:
        yield control, answers
    finally:
        await control.close()


async def talk(folder: Path, *lines: bytes) -> list[bytes]:
    """Say these bytes over one connection, and nothing more; all lines that come back."""
    reader, writer = await asyncio.open_unix_connection(str(folder / NAME))
    writer.write(b"".join(lines))
    writer.write_eof()
    answered = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answered.splitlines()


def test_a_request_is_one_line_and_so_is_its_answer(tmp_path: Path) -> None:
    async def drill() -> None:
        async with opened(tmp_path) as (_, answers):
            said = await asyncio.to_thread(ask, str(tmp_path), "cancel", ids=["工房\n"])
            assert said == {"verb": "cancel", "ids": ["工房\n"]}
            with pytest.raises(UnknownTask, match="no task"):
                await asyncio.to_thread(ask, str(tmp_path), "unknown")
            (verb, caller, arguments), _ = answers.heard
            assert (verb, caller.uid, caller.role, arguments) == (
                "cancel",
                os.geteuid(),
                Role.GUARDIAN,
                {"ids": ["工房\n"]},
            )

    asyncio.run(drill())


def test_the_kernel_says_who_asks_whatever_the_words_claim(tmp_path: Path) -> None:
    async def drill() -> None:
        async with opened(tmp_path) as (_, answers):
            await talk(tmp_path, b'{"verb": "x", "uid": 12345, "actor": "root", "operator": false}\n')
            (_, caller, arguments) = answers.heard[0]
            assert (caller.uid, caller.role) == (os.geteuid(), Role.GUARDIAN)
            assert caller.actor != "root" or os.geteuid() == 0
            assert arguments["uid"] == 12345  # an argument like any other; nobody reads it as the caller's

    asyncio.run(drill())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as somebody else")
def test_a_stranger_is_a_submitter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    program = (
        "import os, socket, sys\n"
        "line = socket.socket(socket.AF_UNIX)\nos.chdir(sys.argv[1])\nos.setgid(65534)\nos.setuid(65534)\n"
        "line.connect('control.sock')\nline.sendall(b'{\"verb\": \"x\"}\\n')\nline.recv(999)\n"
    )

    async def drill() -> None:
        async with opened(tmp_path) as (_, answers):
            (tmp_path / NAME).chmod(0o666)
            arguments = (sys.executable, "-c", program, str(tmp_path))
            await asyncio.to_thread(subprocess.run, arguments, check=True, timeout=20)
            (_, caller, _) = answers.heard[0]
            assert (caller.uid, caller.role, caller.house) == (65534, Role.SUBMITTER, False)

    asyncio.run(drill())


def test_the_socket_is_for_us_and_our_group_alone(tmp_path: Path) -> None:
    async def drill() -> None:
        async with opened(tmp_path):
            seen = (tmp_path / NAME).stat()
            assert stat.S_ISSOCK(seen.st_mode)
            assert seen.st_mode & 0o777 == 0o660

    asyncio.run(drill())
    assert not (tmp_path / NAME).exists()


def test_a_path_longer_than_a_sockets_address_is_reached_and_left_clean(tmp_path: Path) -> None:
    deep = tmp_path / ("long-" * 20) / ("path-" * 20)
    deep.mkdir(parents=True)
    assert len(os.fsencode(deep)) > 200

    async def drill() -> None:
        async with opened(deep):
            assert await asyncio.to_thread(ask, str(deep), "ping") == {"verb": "ping"}

    asyncio.run(drill())
    assert list(deep.iterdir()) == []
    with pytest.raises(NoMaster):
        ask(str(deep), "ping")


def test_a_socket_that_a_dead_master_left_is_taken_over(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / NAME))
    assert (tmp_path / NAME).exists()

    async def drill() -> None:
        async with opened(tmp_path):
            assert await asyncio.to_thread(ask, str(tmp_path), "ping") == {"verb": "ping"}

    asyncio.run(drill())


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"hello\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b'"verb"\n',
        b"{}\n",
        b'{"verb": "x"\n',
        b"[" * 100_000 + b"\n",
        b'{"ids": ["a"]}\n',
    ],
    ids=["empty", "words", "bytes", "list", "text", "no verb", "cut", "deep", "no verb but ids"],
)
def test_garbage_is_answered_and_the_next_line_is_heard(tmp_path: Path, garbage: bytes) -> None:
    async def drill() -> None:
        async with opened(tmp_path) as (_, answers):
            refused, answered = await talk(tmp_path, garbage, b'{"verb": "ping"}\n')
            assert json.loads(refused)["error"]["kind"] == "usage"
            assert json.loads(answered) == {"ok": {"verb": "ping"}}
            assert [heard[0] for heard in answers.heard] == ["ping"]

    asyncio.run(drill())


def test_a_line_without_end_ends_the_talk_and_nobody_elses(tmp_path: Path) -> None:
    async def drill() -> None:
        async with opened(tmp_path):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
            writer.write(b"x" * 5 * 1024 * 1024)
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
            assert await asyncio.to_thread(ask, str(tmp_path), "ping") == {"verb": "ping"}

    asyncio.run(drill())


def test_a_request_as_large_as_thousands_of_ids_is_one_line(tmp_path: Path) -> None:
    ids = [f"task-number-{number}" for number in range(20_000)]

    async def drill() -> None:
        async with opened(tmp_path):
            assert (await asyncio.to_thread(ask, str(tmp_path), "cancel", ids=ids))["ids"] == ids

    asyncio.run(drill())


def test_many_ask_at_once_and_a_slow_answer_holds_up_nobody(tmp_path: Path) -> None:
    async def drill() -> None:
        async with opened(tmp_path) as (_, answers):
            slow = asyncio.create_task(talk(tmp_path, b'{"verb": "wait"}\n'))
            silent = await asyncio.open_unix_connection(str(tmp_path / NAME))
            line = b'{"verb": "ping", "n": %d}\n'
            heard = await asyncio.gather(*[talk(tmp_path, line % n, line % n) for n in range(100)])
            assert [[json.loads(word)["ok"]["n"] for word in words] for words in heard] == [[n, n] for n in range(100)]
            assert not slow.done()
            answers.may.set()
            assert json.loads((await slow)[0]) == {"ok": {"verb": "wait"}}
            silent[1].close()

    asyncio.run(drill())


def test_who_hangs_up_before_the_answer_disturbs_nobody(tmp_path: Path) -> None:
    async def drill() -> None:
        async with opened(tmp_path) as (_, answers):
            _, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
            writer.write(b'{"verb": "wait"}\n')
            while not answers.heard:
                await asyncio.sleep(0)
            writer.transport.abort()
            answers.may.set()
            assert await asyncio.to_thread(ask, str(tmp_path), "ping") == {"verb": "ping"}

    asyncio.run(drill())


def test_closing_lets_who_is_being_answered_have_his_answer(tmp_path: Path) -> None:
    async def drill() -> None:
        async with opened(tmp_path) as (control, answers):
            asked = asyncio.create_task(talk(tmp_path, b'{"verb": "wait"}\n'))
            while not answers.heard:
                await asyncio.sleep(0)
            closing = asyncio.create_task(control.close())
            await asyncio.sleep(0)
            answers.may.set()
            assert json.loads((await asked)[0]) == {"ok": {"verb": "wait"}}
            await closing

    asyncio.run(drill())


def test_one_user_keeps_neither_another_nor_the_house_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = [4_001]
    monkeypatch.setattr("koubou.master.control._uid_of", lambda _: asking[0])

    async def way() -> None:
        async with opened(tmp_path):
            held = [await asyncio.open_unix_connection(str(tmp_path / NAME)) for _ in range(32)]
            with suppress(ConnectionError):
                assert await talk(tmp_path, b'{"verb": "ping"}\n') == []
            for uid in (4_002, os.geteuid()):
                asking[0] = uid
                assert len(await talk(tmp_path, b'{"verb": "ping"}\n')) == 1
            for _, writer in held:
                writer.close()

    asyncio.run(way())
