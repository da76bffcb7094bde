"""Other settings while the window is open: it is opened anew for its own alone; others it is told of, and reads."""

from __future__ import annotations

import asyncio
import io
import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders import NOW
from windows import Opened, opened

from koubou.board import open_for_writing
from koubou.folders.layout import Layout
from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.source import Source
from koubou.master.window_keeper import WindowKeeper
from koubou.model.access import WORKSHOP, Role

ANOTHER = 'another: {reach: local, base_url: "http://127.0.0.1:9/v1", model: m, price: {input: 0, output: 0}}'


def until(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.01)


def tiers(window: Opened, token: str) -> list[str]:
    return sorted(window.ask("/api/v1/tiers", token).json["tiers"])


def test_other_settings_are_read_while_whoever_watches_goes_on_watching(tmp_path: Path) -> None:
    with opened(tmp_path) as window:
        token, file = window.token(Role.OPERATOR), tmp_path / "koubou.yaml"
        good = file.read_text()
        assert tiers(window, token) == ["local"]
        with window.watch("/api/v1/events?after=0", token) as events:
            next(events)
            file.write_text("tiers: [")
            window.say_that_settings_changed()
            file.write_text(good.replace("tiers:\n", f"tiers:\n  {ANOTHER}\n"))
            window.say_that_settings_changed()
            until(lambda: tiers(window, token) == ["another", "local"])
            with window.board.transaction():
                window.board.history.add(None, "system.paused", "for a test", NOW, WORKSHOP)
            assert any(json.loads(event["data"])["event"] == "system.paused" for event in events)


def test_the_window_is_opened_anew_for_its_own_settings_alone(tmp_path: Path) -> None:
    file, stream = tmp_path / "koubou.yaml", io.StringIO()

    def write(others: str, window: str) -> None:
        window = f"listen: 127.0.0.1:0, open_to_loopback: true, {window}"
        file.write_text(f"home: {tmp_path}/home\ntiers:\n  {ANOTHER}\n  {others}\nwindow: {{{window}}}\n")

    def told(event: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == event]

    async def keep() -> None:
        layout = Layout(home=str(tmp_path / "home"))
        layout.ensure()
        open_for_writing(Path(layout.board) / "koubou.db").close()
        source = Source(file, {})
        journal = Journal(stream=stream)
        keeper = WindowKeeper(journal, Children(), source)

        async def opens(times: int) -> str:
            await keeper.obey()
            while len(told("window.open")) < times:
                await asyncio.sleep(0.02)
            return f"{told('window.open')[-1]['address']}/api/v1/tiers"

        async def has(address: str, name: str) -> bool:
            said = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=30).read())
            return name in json.loads(said)["tiers"]

        try:
            address = await opens(1)
            write(ANOTHER.replace("another", "third"), "timeout: 60s")
            source.load()
            await keeper.obey()
            while not await has(address, "third"):
                await asyncio.sleep(0.02)
            assert len(told("window.open")) == 1
            write("", "timeout: 50s")
            source.load()
            assert not await has(await opens(2), "third")
        finally:
            await keeper.stop()
            journal.close()

    write("", "timeout: 60s")
    asyncio.run(asyncio.wait_for(keep(), 90))
