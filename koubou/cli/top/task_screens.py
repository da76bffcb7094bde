"""One task on the whole screen: why it stands where it stands and its history, or its answer as it grows."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from koubou.cli.say import one_line
from koubou.cli.top.growth import Growth
from koubou.cli.top.lines import VERBS, May
from koubou.cli.top.told_task import told_task
from koubou.cli.top.words import Say
from koubou.errors import KoubouError
from koubou.views.workshop import Workshop

_CHANGES = (
    Binding("c", "app.change('cancel')", show=False),
    Binding("r", "app.change('retry')", show=False),
    Binding("t", "app.theme", show=False),
)
"""A screen above the others hears only its own keys."""
_EVERY = 1.0
_GROWS_EVERY = 0.2


def _offered(keys: Iterable[tuple[str, str]], say: Say, may: May) -> str:
    """Those of these keys that are for who looks."""
    return "  ".join(f"{key} {say(name)}" for key, name in keys if key not in VERBS or may(VERBS[key]))


class Whole(ModalScreen[None]):
    """All that is known of a task, looked at again each second."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", show=False),
        Binding("f", "app.follow", show=False),
        *_CHANGES,
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, workshop: Workshop, task_id: str, say: Say, may: May) -> None:
        super().__init__()
        self.task_id = task_id
        self._workshop, self._say, self._may = workshop, say, may
        self._over = threading.Event()

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="page") as page:
            page.border_title = self.task_id.replace("[", "\\[")
            keys = (("f", "k_follow"), ("c", "k_cancel"), ("r", "k_retry"), ("Esc", "k_close"))
            page.border_subtitle = _offered(keys, self._say, self._may)
            yield Static(id="whole")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self._watch()

    def on_unmount(self) -> None:
        self._over.set()

    def action_scroll(self, lines: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    @work(thread=True)
    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                text = told_task(self._workshop, self.task_id, self._say)
            except (KoubouError, OSError) as error:
                text = Text(str(error), style="bold red")
            if self._over.is_set():
                return
            self.app.call_from_thread(self.query_one("#whole", Static).update, text)
            self._over.wait(_EVERY)


class Follow(ModalScreen[None]):
    """The answer of a task's last run as it grows; of an agent what it says as it works."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f", "dismiss", show=False, priority=True),
        *_CHANGES,
        Binding("G,end", "bottom", show=False, priority=True),
    ]

    def __init__(self, workshop: Workshop, task_id: str, say: Say, may: May) -> None:
        super().__init__()
        self.task_id = task_id
        self._workshop, self._say, self._may = workshop, say, may
        self._over = threading.Event()

    def compose(self) -> ComposeResult:
        area = TextArea("", read_only=True, soft_wrap=True, show_line_numbers=False, classes="page")
        area.border_title = self.task_id.replace("[", "\\[")
        area.border_subtitle = _offered((("c", "k_cancel"), ("Esc", "k_close")), self._say, self._may)
        yield area

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()
        self._watch()

    def on_unmount(self) -> None:
        self._over.set()

    def action_bottom(self) -> None:
        """Where it grows."""
        self.query_one(TextArea).scroll_end(animate=False)

    @work(thread=True)
    def _watch(self) -> None:
        growth = Growth(self._workshop, self.task_id)
        try:
            while not self._over.is_set():
                try:
                    begun_anew, pieces = growth.look()
                except (KoubouError, OSError) as error:
                    self.app.call_from_thread(self.app.notify, str(error), severity="error", markup=False)
                    return
                if self._over.is_set():
                    return
                self.app.call_from_thread(self._grow, begun_anew, pieces, growth.status, growth.run)
                if growth.ended:
                    return
                self._over.wait(_GROWS_EVERY)
        finally:
            growth.close()

    def _grow(self, begun_anew: bool, pieces: Iterable[str], status: str, run: int) -> None:
        area = self.query_one(TextArea)
        title = self._say("answer_of", id=one_line(self.task_id), status=self._say(status), run=run or "–")
        area.border_title = title.replace("[", "\\[")
        if begun_anew:
            area.load_text("")
        at_end = area.max_scroll_y - area.scroll_y <= 1
        for piece in pieces:
            area.insert(piece, location=area.document.end, maintain_selection_offset=False)
        if at_end and pieces:
            area.call_after_refresh(area.scroll_end, animate=False)
        if not area.text:
            area.placeholder = self._say("no_answer")
