"""koubou top: a real workshop on the screen of Textual's pilot, with keys pressed; and one screen as text."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rehearsing import TIER, a_rehearsal
from textual.pilot import Pilot
from workshop import KOUBOU, Workshop

from koubou.cli.top import _see_that_it_can_be_shown, picture
from koubou.cli.top.app import TopApp
from koubou.cli.top.dialogs import Confirm, Help
from koubou.cli.top.lines import is_light
from koubou.cli.top.picture import Sight
from koubou.cli.top.task_screens import Follow, Whole
from koubou.cli.top.words import phrases
from koubou.errors import UsageMistake
from koubou.views.control import ask
from koubou.views.me import Me
from koubou.views.workshop import Workshop as Looked

SCRIPT = [
    {"match": "slow", "latency": "1500s", "chunks": 3000, "answer": "工房では 仕事が 進みます。 " * 200},
    {"match": "refused", "error": {"status": 400, "code": "invalid_request_error"}},
    {"answer": "At once."},
]
HOSTILE = "[red]請求書[/red] [@click=app.quit]x[/]\x1b[2J"
SMALL, LARGE = (80, 24), (160, 48)


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    """At work on one task, with one that waits, one answered and one that failed."""
    with a_rehearsal() as workshop:
        script = workshop.folder / "script.yaml"
        script.write_text(json.dumps(SCRIPT))
        workshop.settings["tiers"]["local"] |= {"script": str(script), "timeout": "1h"}
        workshop.settings["tiers"]["other"] = {**TIER, "workers": {"min": 0, "max": 1}}
        workshop.write_settings()
        workshop.start()
        workshop.drop("slow.yaml", {"id": "slow", "prompt": "slow", "title": HOSTILE})
        workshop.drop("later.yaml", {"id": "later", "prompt": "x", "not_before": "2999-01-01T00:00:00Z"})
        workshop.drop("done.yaml", {"id": "answered", "prompt": "x"})
        workshop.drop("bad.yaml", {"id": "broken", "prompt": "refused", "retries": 0})
        workshop.wait_for_ends(2)
        workshop.wait_until(lambda: workshop.counts().get("in_progress"), "slow at work")
        yield workshop
        workshop.stop_twice(within=30)  # nobody waits for what is slow


def on_screen(
    workshop: Workshop,
    deeds: Callable[[TopApp, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = LARGE,
    lang: str = "en_GB.UTF-8",
    **more: Any,
) -> None:
    """Do these deeds on the live screen, once it has looked."""

    async def live() -> None:
        app = TopApp(Looked(workshop.config, {}), phrases({"LANG": lang}), **more)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.picture is not None and bool(keys_of(app, "tiers")))
            await deeds(app, pilot)

    asyncio.run(live())


async def until(pilot: Pilot[None], fact: Callable[[], object], within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not fact():
        assert time.monotonic() < deadline, text_of(pilot.app)
        await pilot.pause(0.05)


def keys_of(app: TopApp, pane: str) -> list[str]:
    table = app._frames[pane].table
    return [str(row.value) for row in table.rows]


def text_of(app: Any) -> str:
    """What stands on the screen."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


def panes_shown(app: TopApp) -> list[str]:
    return [name for name, frame in app._frames.items() if frame.display]


def test_a_large_terminal_shows_all_panes_at_once(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        assert panes_shown(app) == ["tasks", "tiers", "crew", "spend", "failures"]
        assert keys_of(app, "tasks") == ["slow", "later", "broken", "answered"]
        assert (keys_of(app, "tiers"), keys_of(app, "failures")) == (["local", "other"], ["broken"])
        await until(pilot, lambda: "▶ at work" in text_of(app))
        text = text_of(app)
        for word in ("served, up", "of $1000.00", "‖ parked", "✗ failed", "bad_request", "1/16", "MB", "Enter show"):
            assert word in text, (word, text)

    on_screen(workshop, deeds)


def test_a_small_terminal_shows_one_pane_at_a_time(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        shown = [panes_shown(app)]
        for key in ("tab", "5", "shift+tab", "shift+tab"):
            await pilot.press(key)
            await pilot.pause()
            shown.append(panes_shown(app))
        assert shown == [["tasks"], ["tiers"], ["failures"], ["spend"], ["crew"]]
        lines = text_of(app).splitlines()
        assert len(lines) == SMALL[1]
        assert "q quit" in lines[-1]

    on_screen(workshop, deeds, SMALL)


def test_words_of_others_are_no_markup_and_move_no_cursor(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        await until(
            pilot, lambda: "[red]請求書[/red] [@click=app.quit]x[/]\N{REPLACEMENT CHARACTER}[2J" in text_of(app)
        )
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Whole) and "[red]請求書" in text_of(app))
        assert "\x1b" not in text_of(app)

    on_screen(workshop, deeds)


def test_words_narrow_the_tasks_and_escape_shows_all(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"failed")
        await until(pilot, lambda: keys_of(app, "tasks") == ["broken"])
        await pilot.press("enter")
        assert "(only: failed)" in text_of(app)
        await pilot.press("slash", *" nothing")
        await until(pilot, lambda: 'No task has all of "failed nothing"' in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(keys_of(app, "tasks")) == 4)
        await pilot.press("2", "j", "enter")  # the tier "other" has none
        await until(pilot, lambda: keys_of(app, "tasks") == [])

    on_screen(workshop, deeds)


def test_a_task_is_shown_followed_cancelled_and_tried_again(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        workshop.drop("slow2.yaml", {"id": "slow-two", "prompt": "slow"})
        await until(pilot, lambda: keys_of(app, "tasks")[:2] == ["slow-two", "slow"])
        assert app._frames["tasks"].table.key_here == "slow"  # the cursor stays with its task
        await pilot.press("k", "enter")
        await until(pilot, lambda: isinstance(app.screen, Whole) and "run 1 is at work in local" in text_of(app))
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Follow) and "工房では" in text_of(app))
        was = len(app.screen.query_one("TextArea").text)  # type: ignore[attr-defined]
        await until(pilot, lambda: len(app.screen.query_one("TextArea").text) > was)  # type: ignore[attr-defined]
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and "Cancel slow-two?" in text_of(app))
        await pilot.press("enter")  # the careless answer is no
        await until(pilot, lambda: isinstance(app.screen, Follow))
        was = len(app.screen.query_one("TextArea").text)  # type: ignore[attr-defined]
        await until(pilot, lambda: len(app.screen.query_one("TextArea").text) > was + 20)  # type: ignore[attr-defined]
        assert workshop.show("slow-two")["status"] == "in_progress"
        await pilot.press("c", "y")
        await until(pilot, lambda: workshop.show("slow-two")["status"] == "cancelled")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "– cancelled" in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "Have slow-two tried again?" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: workshop.show("slow-two")["status"] != "cancelled")
        assert workshop.koubou("cancel", "slow-two").returncode == 0

    on_screen(workshop, deeds)


def test_a_tier_is_paused_and_goes_on(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("2", "p")
        await until(pilot, lambda: "Pause local?" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: "‖ paused" in text_of(app) and "STOPPED  pause:local" in text_of(app))
        await pilot.press("p")
        await until(pilot, lambda: "Let local go on?" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: "‖ paused" not in text_of(app) and "✓ serves" in text_of(app))
        await pilot.press("P")
        await until(pilot, lambda: "Pause everything?" in text_of(app))
        await pilot.press("n")
        assert workshop.status()["latches"] == {}

    on_screen(workshop, deeds)


def test_what_the_master_refuses_is_shown(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("5", "c", "y")
        await until(pilot, lambda: any("broken: " in toast.message for toast in app._notifications))
        await pilot.press("3", "c")
        assert not isinstance(app.screen, Confirm)

    on_screen(workshop, deeds)


def test_who_may_change_nothing_is_offered_no_key_for_it(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "me_by_master", lambda looked: me_of("viewer", looked))

    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "kim, viewer" in text_of(app))
        assert offered(app) == ["Enter show", "f follow", "/ filter", "? help", "q quit", "Tab panes"]
        for key in "crpP":
            await pilot.press(key)
            assert not isinstance(app.screen, Confirm), key
        assert {toast.message for toast in app._notifications} == {"That is not for you: kim, viewer."}
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help) and "You are kim, viewer." in text_of(app))
        for word in ("end it without", "tried again", "pause the tier"):
            assert word not in text_of(app)
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(app.screen, Whole) and "f follow  Esc back" in text_of(app))

    on_screen(workshop, deeds)


def test_a_submitter_is_offered_his_own_tasks_and_no_pause(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "me_by_master", lambda looked: me_of("submitter", looked))

    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "c cancel" in offered(app))
        assert "p pause" not in offered(app)
        await pilot.press("c")  # a task of root's
        assert not isinstance(app.screen, Confirm)
        assert [toast.message for toast in app._notifications] == ["That is not for you: kim, submitter."]

    on_screen(workshop, deeds)


def me_of(role: str, looked: Looked) -> Me:
    """What the master says of kim with this role, for whom the house may speak."""
    kim = {"actor": "kim", "uid": 1001, "role": role, "source": "socket"}
    return msgspec.convert(ask(looked.layout.run, "me", **{"for": kim}), Me)


def offered(app: TopApp) -> list[str]:
    """The keys that stand on the last line."""
    return [each.strip() for each in re.split(r"\s{2,}", text_of(app).splitlines()[-1]) if each.strip()]


def test_it_speaks_japanese_and_has_a_light_face(workshop: Workshop) -> None:
    async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
        assert app.theme == "textual-light"
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help) and "キー操作" in text_of(app))
        joined = re.sub(r"[\s│]", "", text_of(app))
        assert "Pはすべてのティア（確認あり）" in joined  # nothing is cut where a line ends
        await pilot.press("escape", "t")
        assert app.theme == "textual-dark"
        await until(pilot, lambda: "▶ 実行中" in text_of(app) and "稼働中" in text_of(app))

    on_screen(workshop, deeds, SMALL, "ja_JP.UTF-8", theme="light")
    assert is_light("auto", {"COLORFGBG": "0;15"})
    assert not is_light("auto", {})


def test_a_look_is_one_transaction(workshop: Workshop) -> None:
    asked: list[str] = []
    with closing(Sight(Looked(workshop.config, {}))) as sight:
        sight.look()
        board = sight._board
        assert board is not None
        board._connection.set_trace_callback(asked.append)
        sight.look("slow")
    assert [each for each in asked if each in ("BEGIN", "ROLLBACK")] == ["BEGIN", "ROLLBACK"]
    assert len(asked) < 40, asked


def test_one_screen_as_text(workshop: Workshop) -> None:
    done = workshop.koubou("top", "--once", "--filter", "failed")
    assert done.returncode == 0, done.stderr
    for word in ("served, up", "Tasks", "✗ failed", "Tiers", "bad_request", "Crew"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout
    assert "slow" not in done.stdout


def test_it_needs_a_terminal_and_textual(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    done = workshop.koubou("top")
    assert (done.returncode, "--once" in done.stderr) == (64, True)
    monkeypatch.setitem(sys.modules, "textual", None)
    with pytest.raises(UsageMistake, match=r"koubou\[top\]"):
        _see_that_it_can_be_shown(Looked(workshop.config, {}))


def test_on_a_real_terminal_it_draws_and_leaves(workshop: Workshop) -> None:
    master, terminal = pty.openpty()
    environment = {**workshop.environment, "TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80"}
    process = subprocess.Popen([KOUBOU, "top"], stdin=terminal, stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    drawn = b""
    while b"slow" not in drawn:
        drawn += os.read(master, 65536)
    os.write(master, b"q")
    try:
        while os.read(master, 65536):
            pass
    except OSError:  # it has let go of the terminal
        pass
    assert process.wait(60) == 0
    os.close(master)


def test_without_a_master_the_board_is_shown_as_it_stands(tmp_path: Path) -> None:
    with a_rehearsal() as closed:
        closed.start()
        closed.drop("done.yaml", {"id": "answered", "prompt": "x"})
        closed.wait_for_ends(1)
        assert closed.stop() == 0

        async def deeds(app: TopApp, pilot: Pilot[None]) -> None:
            assert "NOT SERVED" in text_of(app)
            assert offered(app) == ["Enter show", "f follow", "/ filter", "? help", "q quit", "Tab panes"]
            assert keys_of(app, "tasks") == ["answered"]
            await pilot.press("p")
            await until(pilot, lambda: any("koubou serve" in toast.message for toast in app._notifications))
            (closed.home / "board/koubou.db").rename(tmp_path / "away")
            await until(pilot, lambda: "there is no board yet" in text_of(app))

        on_screen(closed, deeds)
