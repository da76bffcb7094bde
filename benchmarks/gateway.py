"""What the gateway adds to a call: latency and calls a second, over a bare provider, at several calls at once.

    python benchmarks/gateway.py [--calls N] [--bytes N] [--rounds N]

Provider, gateway, master and agents run in a process each. Every call is asked for over the wire, held for and settled
on a board on disk, many in one transaction as in a turn of the master. Prints JSON; milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.append(sys.path.pop(0))  # this folder has a queue of its own
sys.path.insert(0, f"{__file__.rpartition('/benchmarks/')[0]}/tests")
sys.path.insert(0, __file__.rpartition("/benchmarks/")[0])

from builders import NOW, a_price, a_tier, an_account
from simulator import Simulator

from koubou.board import Board, open_for_writing
from koubou.gateway.gateway import Gateway
from koubou.model.account import AccountKey, Amounts, Bearer, Entry, Limit
from koubou.model.call import CallResult
from koubou.model.gate import Denied, Granted, Wanted
from koubou.model.policy import OPEN
from koubou.model.tier import Tier
from koubou.rules.bound import bound
from koubou.rules.settle import settlement, used_amounts
from koubou.wire.framing import FROM_WORKER, Decoder, encode
from koubou.wire.messages import CallDone, CallGranted, CallWanted, ToWorker
from koubou.worker.line import Line

AT_ONCE = (1, 16, 64)
MONTH = "month:2027-01"
CAP = 500


class Wire:
    """The gate as a worker has it: over the wire to the master."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[Granted | Denied]] = {}
        self._line: Line

    async def connect(self, wire: socket.socket) -> None:
        self._line = await Line.connect(wire, self._hear, lambda _: None)

    async def ask(self, wanted: Wanted) -> Granted | Denied:
        self._waiting[wanted.ticket] = asyncio.get_running_loop().create_future()
        self._line.say(CallWanted(wanted=wanted))
        return await self._waiting[wanted.ticket]

    def done(self, result: CallResult) -> None:
        self._line.say(CallDone(result=result))

    def _hear(self, message: ToWorker) -> None:
        if isinstance(message, CallGranted):
            self._waiting.pop(message.granted.ticket).set_result(message.granted)


class Till:
    """The master's side, as far as money goes: what came together is held for and settled in one transaction."""

    def __init__(self, tier: Tier, path: Path) -> None:
        self._tier = tier
        self._price = tier.price or a_price()
        self._board = Board(open_for_writing(path))
        with self._board.transaction():
            limit = Limit(name=MONTH, limit=10**15, ceiling=10**15, reopens=NOW + 10**9)
            self._board.ledger.open_account(limit, NOW)

    def serve(self, wire: socket.socket) -> None:
        """Until the wire ends."""
        decoder = Decoder(FROM_WORKER)
        while data := wire.recv(1024 * 1024):
            answers = []
            with self._board.transaction():
                for message in decoder.feed(data):
                    match message:
                        case CallWanted(wanted=wanted):
                            answers.append(encode(CallGranted(granted=self._hold(wanted))))
                        case CallDone(result=result):
                            self._settle(result)
            wire.sendall(b"".join(answers))
        self._board.close()

    def _hold(self, wanted: Wanted) -> Granted:
        call = f"call-{wanted.ticket}"
        entry = Entry(
            call=call,
            task=wanted.task,
            operation="general",
            run=wanted.run,
            tier=wanted.tier,
            model=self._tier.model,
            accounts=(AccountKey(MONTH),),
            price=self._price,
        )
        account = self._board.ledger.account(MONTH) or an_account()
        bearer = Bearer(account=account, bearable=account.ceiling, most=account.ceiling)
        amounts = Amounts(usd=bound(self._price, wanted.input_tokens, CAP), tokens=wanted.input_tokens + CAP, calls=1)
        assert self._board.ledger.hold(entry, amounts, [bearer], NOW)
        return Granted(ticket=wanted.ticket, call=call, cap=CAP)

    def _settle(self, result: CallResult) -> None:
        hold = self._board.ledger.open_hold(result.call)
        assert hold is not None
        ended = settlement(bill=result.bill, usage=result.usage, price=hold.entry.price, hold=hold.amounts.usd)
        used = used_amounts(ended, hold.amounts, result.finished_at - result.started_at)
        self._board.ledger.settle(hold, used, ended.usage, unreconciled=ended.unreconciled, now=NOW)


class Visit:
    """One run."""

    task, run, policy, rules = "a-task", 1, OPEN, None

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)


def a_cloud_tier(base_url: str) -> Tier:
    return a_tier("cloud", base_url=base_url, model="gpt-5", executor="codex")


def keep_the_till(base_url: str, folder: str, wire: socket.socket) -> None:
    """The master, in a process of its own."""
    Till(a_cloud_tier(base_url), Path(folder) / "koubou.db").serve(wire)


def serve(base_url: str, folder: str, wire: socket.socket, pipe: Connection) -> None:
    """The worker, in a process of its own."""
    asyncio.run(_serve(base_url, Path(folder), wire, pipe))


async def _serve(base_url: str, folder: Path, wire: socket.socket, pipe: Connection) -> None:
    gate = Wire()
    await gate.connect(wire)
    gateway = Gateway(a_cloud_tier(base_url), ("sk-key",), gate)
    await gateway.start()
    async with gateway.door(Visit(folder)) as door:
        pipe.send((door.port, door.token))
        while await asyncio.to_thread(pipe.recv) != "end":
            pipe.send((time.process_time(), door.calls))
    await gateway.close()


async def measured(port: int, token: str, body: bytes, at_once: int, calls: int) -> dict[str, float]:
    """So many calls over kept connections, so many of them at once."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n"
    request = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    taken: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(agent(port, request, calls // at_once, taken) for _ in range(at_once)))
    return {
        "p50": round(statistics.median(taken) * 1000, 2),
        "p99": round(statistics.quantiles(taken, n=100)[98] * 1000, 2),
        "calls_a_second": round(len(taken) / (time.perf_counter() - began)),
    }


async def agent(port: int, request: bytes, calls: int, taken: list[float]) -> None:
    """Calls behind one another; an answer is read to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(calls):
        began = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        if b"content-length: " in head:
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        else:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        taken.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()


def added(bare: dict[str, float], through: dict[str, float]) -> dict[str, Any]:
    return {"bare": bare, "through": through, "added_p50": round(through["p50"] - bare["p50"], 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2_048)
    parser.add_argument("--bytes", type=int, default=300, help="of the prompt")
    options = parser.parse_args()
    found: dict[str, Any] = {}

    def spent() -> tuple[float, int]:
        """Seconds of processor time of the gateway, its board's included, and how many calls it had."""
        ours.send("how are you?")
        said: tuple[float, int] = ours.recv()
        return said

    context = multiprocessing.get_context("spawn")
    with Simulator() as provider, tempfile.TemporaryDirectory() as folder:
        ours, theirs = context.Pipe()
        for_worker, for_master = socket.socketpair()
        worker = context.Process(target=serve, args=(provider.base_url, folder, for_worker, theirs))
        master = context.Process(target=keep_the_till, args=(provider.base_url, folder, for_master))
        for process in (worker, master):
            process.start()
        for_worker.close()
        for_master.close()
        port, token = ours.recv()
        prompt = "word " * (options.bytes // 5)
        for name, wishes in (("plain", {}), ("streamed", {"stream": True, "stream_options": {"include_usage": True}})):
            said = {"model": "gpt-5", "max_completion_tokens": CAP, "messages": [{"role": "user", "content": prompt}]}
            body = json.dumps(said | wishes).encode()
            for at_once in AT_ONCE:
                calls = options.calls if at_once > 1 else options.calls // 4
                asyncio.run(measured(port, token, body, at_once, at_once * 4))  # warm
                bare = asyncio.run(measured(provider.port, "none", body, at_once, calls))
                before = spent()
                through = asyncio.run(measured(port, token, body, at_once, calls))
                after = spent()
                through["processor_ms_a_call"] = round((after[0] - before[0]) / (after[1] - before[1]) * 1000, 2)
                found[f"{name}_{at_once}"] = added(bare, through)
        ours.send("end")
        for process in (worker, master):
            process.join()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
