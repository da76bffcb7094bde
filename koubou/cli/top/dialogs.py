"""What is asked before something is done, and the page of keys."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table as Columns
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from koubou.cli.top.lines import VERBS, May
from koubou.cli.top.words import Say

_KEYS = (
    ("j k", "help_move"),
    ("Tab Shift+Tab 1…5", "help_panes"),
    ("Enter", "help_show"),
    ("f", "help_follow"),
    ("c", "help_cancel"),
    ("r", "help_retry"),
    ("p P", "help_pause"),
    ("/", "help_filter"),
    ("t", "help_theme"),
    ("q", "help_quit"),
)


class Confirm(ModalScreen[bool]):
    """Yes or no; no is what a careless Enter says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "say(True)", show=False),
        Binding("n,escape,q", "say(False)", show=False),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, say: Say) -> None:
        super().__init__()
        self._question, self._say = question, say

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            with Horizontal(classes="buttons"):
                yield Button(self._say("yes"), id="yes", variant="warning")
                yield Button(self._say("no"), id="no")

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_say(self, yes: bool) -> None:
        """The answer."""
        self.dismiss(yes)


class Help(ModalScreen[None]):
    """The keys, and what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,question_mark,f1", "dismiss", show=False)]

    def __init__(self, say: Say, may: May, note: str) -> None:
        super().__init__()
        self._say, self._may, self._note = say, may, note

    def compose(self) -> ComposeResult:
        columns = Columns.grid(padding=(0, 2))
        columns.add_column(no_wrap=True, style="bold")
        columns.add_column()
        for keys, meaning in _KEYS:
            if keys[0] in VERBS and not self._may(VERBS[keys[0]]):
                continue
            columns.add_row(keys, self._say(meaning))
        with Vertical(classes="dialog keys") as dialog:
            dialog.border_title = self._say("help")
            dialog.border_subtitle = f"Esc {self._say('k_close')}"
            yield Static(columns)
            yield Static(f"\n{self._note}", markup=False)
