"""The live screen: looks once a second in a thread of its own, and asks the master for what a key says."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import Input, Static

from koubou.cli import say as told
from koubou.cli.top import lines
from koubou.cli.top.actions import Wish, wish_to_change, wish_to_pause
from koubou.cli.top.dialogs import Confirm, Help
from koubou.cli.top.panes import Framed, Money, Table, tier_legend
from koubou.cli.top.picture import Picture, Sight
from koubou.cli.top.rows import alarms, panes
from koubou.cli.top.task_screens import Follow, Whole
from koubou.cli.top.words import Say
from koubou.errors import KoubouError
from koubou.views.control import ask
from koubou.views.me import Me
from koubou.views.workshop import Workshop

EVERY = 1.0
PANES = ("tasks", "tiers", "crew", "spend", "failures")
_WIDE, _TALL = 120, 34


class TopApp(App[None]):
    """Everything about one workshop."""

    CSS_PATH = "top.tcss"
    TITLE = "Koubou"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c", "quit", show=False),
        Binding("question_mark,f1", "help", show=False),
        Binding("tab", "pane(1)", show=False, priority=True),
        Binding("shift+tab", "pane(-1)", show=False, priority=True),
        *(Binding(str(number), f"go('{name}')", show=False) for number, name in enumerate(PANES, 1)),
        Binding("slash", "filter", show=False),
        Binding("escape", "all", show=False),
        Binding("f", "follow", show=False),
        Binding("c", "change('cancel')", show=False),
        Binding("r", "change('retry')", show=False),
        Binding("p", "pause", show=False),
        Binding("P", "pause_all", show=False),
        Binding("t", "theme", show=False),
    ]

    class Looked(Message):
        """A look at the workshop succeeded."""

        def __init__(self, picture: Picture, words: str) -> None:
            super().__init__()
            self.picture, self.words = picture, words

    class Blind(Message):
        """A look at the workshop failed."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(self, workshop: Workshop, say: Say, *, words: str = "", theme: str = "auto") -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_WIDE, "-broad")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (_TALL, "-tall")]
        self.workshop, self.say, self.words = workshop, say, words
        self.picture: Picture | None = None
        self._zone = workshop.timezone
        self._frames = {name: Framed(name, say(name), number) for number, name in enumerate(PANES, 1)}
        self._head, self._alarms = Static(id="head", markup=False), Static(id="alarms", markup=False)
        self._money, self._strip, self._keys = Money(id="money"), Static(id="strip"), Static(id="keys")
        self._filter = Input(placeholder=say("filter_hint"), id="filter", select_on_focus=False)
        self._current = PANES[0]
        self._over, self._nudged = threading.Event(), threading.Event()
        self.theme = "textual-light" if lines.is_light(theme, os.environ) else "textual-dark"

    def compose(self) -> ComposeResult:
        yield from (self._head, self._alarms, self._money, self._strip)
        with Container(id="panes"):
            yield from self._frames.values()
        yield from (self._filter, self._keys)

    def on_mount(self) -> None:
        self._filter.display = self._alarms.display = False
        self.action_go(self._current)
        self._watch()

    def on_unmount(self) -> None:
        self._over.set()
        self._nudged.set()

    @work(thread=True)
    def _watch(self) -> None:
        sight = Sight(self.workshop)
        while not self._over.is_set():
            words = self.words
            try:
                self.post_message(self.Looked(sight.look(words), words))
            except (KoubouError, OSError) as error:
                sight.close()
                self.post_message(self.Blind(str(error)))
            self._nudged.wait(EVERY)
            self._nudged.clear()
        sight.close()

    def look_now(self) -> None:
        """Do not wait for the next second."""
        self._nudged.set()

    @on(Looked)
    def _show(self, event: Looked) -> None:
        picture, say = event.picture, self.say
        self.picture = picture
        self._head.update(lines.head(picture, say))
        self._keys.update(lines.keys(say, self.may))
        told_first = alarms(picture, say)
        self._alarms.display = bool(told_first)
        self._alarms.set_class(bool(picture.status["latches"]), "-stopped")
        self._alarms.update("\n".join(f"■ {line}" for line in told_first))
        self._money.show(picture, self._zone, say)
        for name, pane in panes(picture, event.words, self._zone, say).items():
            self._frames[name].show(pane, self._about(name, picture), say)
        if event.words:
            self._frames["tasks"].border_title = f"1 {say('tasks')} ({say('filter', words=event.words)})".replace(
                "[", "\\["
            )
        if len(self.screen_stack) == 1 and self.focused is None:
            self.action_go(self._current)

    @on(Blind)
    def _show_blindness(self, event: Blind) -> None:
        when = "–" if self.picture is None else told.when(self.picture.at, self.picture.at)
        self._alarms.display = True
        self._alarms.add_class("-stopped")
        self._alarms.update(f"■ {self.say('stale', why=told.one_line(event.why), when=when)}")

    def _about(self, name: str, picture: Picture) -> Text | str:
        if name == "tasks" and picture.cut:
            return self.say("newest_only")
        return tier_legend(picture) if name == "spend" else ""

    # Where one is

    def action_pane(self, step: int) -> None:
        """The next pane, or the one before; within a dialog its next button."""
        if len(self.screen_stack) > 1:
            self.screen.focus_next() if step > 0 else self.screen.focus_previous()
            return
        self.action_go(PANES[(PANES.index(self._current) + step) % len(PANES)])

    def action_go(self, name: str) -> None:
        """One pane."""
        self._current = name
        for each, frame in self._frames.items():
            frame.set_class(each == name, "-current")
        frame = self._frames[name]
        frame.table.focus() if frame.table.display else self.set_focus(None)
        self._strip.update(lines.strip(PANES, name, self.say))

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        if event.pane == "tiers":
            self._find(event.key)
            self.action_go("tasks")
        elif event.pane in ("tasks", "failures"):
            self.push_screen(Whole(self.workshop, event.key, self.say, self.may))

    # What one may

    def may(self, verb: str) -> bool:
        """Whether who looks may have it done, and there is a master to do it."""
        me = None if self.picture is None else self.picture.me
        return me is not None and me.reaches(verb)

    def _is_offered(self, verb: str, task_id: str | None = None) -> bool:
        """The same of one task; who may not is told why."""
        if self.picture is None:
            return False
        me = self.picture.me
        if me is None:
            self.notify(self.say("help_nobody"), severity="warning", markup=False)
            return False
        owner = next((task.owner for task in self.picture.told_of if task.id == task_id), None)
        if not me.reaches(verb, owner):
            self.notify(self.say("not_yours", who=self._who(me)), severity="warning", markup=False)
            return False
        return True

    def _who(self, me: Me) -> str:
        return f"{told.one_line(me.actor)}, {self.say(me.role)}"

    def _task_here(self) -> str | None:
        if isinstance(self.screen, Whole | Follow):
            return self.screen.task_id
        key = self._frames[self._current].table.key_here if self._current in ("tasks", "failures") else None
        if key is None:
            self.notify(self.say("no_task_here"), severity="warning")
        return key

    # Which tasks

    def action_filter(self) -> None:
        """Ask for words."""
        if len(self.screen_stack) == 1:
            self.action_go("tasks")
            self._filter.value, self._filter.display = self.words, True
            self._filter.cursor_position = len(self.words)
            self._filter.focus()

    def action_all(self) -> None:
        """All tasks again."""
        if len(self.screen_stack) == 1:
            self._find("")
            self._close_filter()

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        self._find(event.value)

    @on(Input.Submitted, "#filter")
    def _close_filter(self) -> None:
        self._filter.display = False
        self.action_go("tasks")

    def _find(self, words: str) -> None:
        self.words = " ".join(words.split())
        self.look_now()

    # What one wants

    def action_help(self) -> None:
        """The keys."""
        if not isinstance(self.screen, Help):
            me = None if self.picture is None else self.picture.me
            note = self.say("help_nobody") if me is None else self.say("help_note", who=self._who(me))
            self.push_screen(Help(self.say, self.may, note))

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = "textual-dark" if self.theme == "textual-light" else "textual-light"

    def action_follow(self) -> None:
        """Watch an answer grow."""
        task = self._task_here()
        if task is not None and not isinstance(self.screen, Follow):
            self.push_screen(Follow(self.workshop, task, self.say, self.may))

    def action_change(self, verb: str) -> None:
        """Cancel a task, or have it tried again, once that was said again."""
        task = self._task_here()
        if task is not None and self._is_offered(verb, task):
            self._confirm(wish_to_change(verb, task, self.say))

    def action_pause(self) -> None:
        """Pause the tier under the cursor, or let it go on; elsewhere all of them."""
        table = self._frames["tiers"].table
        self._pause(table.key_here if self._current == "tiers" else None)

    def action_pause_all(self) -> None:
        """Pause everything, or let it go on."""
        self._pause(None)

    def _pause(self, tier: str | None) -> None:
        if self.picture is not None and len(self.screen_stack) == 1 and self._is_offered("pause"):
            self._confirm(wish_to_pause(tier, self.picture.status["latches"], self.say))

    def _confirm(self, wish: Wish) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._ask(wish)

        self.push_screen(Confirm(wish.question, self.say), answered)

    @work(thread=True)
    def _ask(self, wish: Wish) -> None:
        """Have the master do it; whatever he says is shown."""
        try:
            answer: Mapping[str, Any] = ask(self.workshop.layout.run, wish.verb, **wish.arguments)
        except KoubouError as error:
            self.call_from_thread(self.notify, str(error), severity="error", timeout=8, markup=False)
            return
        said, well = wish.outcome(answer)
        self.call_from_thread(self.notify, said, severity="information" if well else "warning", markup=False)
        self.look_now()
