"""The panes of the live screen: a table that keeps its place while its rows change, and the band of money."""

from __future__ import annotations

from datetime import tzinfo
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import DataTable, Static

from koubou.cli.top.picture import Picture
from koubou.cli.top.rows import FILLS, Pane, Row, money_line, outlook_line, tiers_spent
from koubou.cli.top.words import Say

_MOODS = {
    "in_progress": "bold blue",
    "assigned": "blue",
    "completed": "green",
    "closed": "green",
    "failed": "bold red",
    "open": "bold red",
    "unfit": "bold red",
    "cancelled": "dim",
    "parked": "yellow",
    "paused": "bold yellow",
    "half_open": "yellow",
}
_TIER_COLOURS = ("blue", "cyan", "magenta", "green", "yellow")
_MOOD_COLUMN = 1
_LONGEST = 400
_ROUND_PERCENT = 100


class Table(DataTable[Text]):
    """Rows that are looked at by key: where the cursor stands stays, whatever comes and goes around it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "scroll_top", show=False),
        Binding("G", "scroll_bottom", show=False),
        Binding("left,h", "scroll_left", show=False),
        Binding("right,l", "scroll_right", show=False),
    ]

    class Chosen(Message):
        """Enter was pressed on a row, or it was clicked twice."""

        def __init__(self, pane: str, key: str) -> None:
            super().__init__()
            self.pane, self.key = pane, key

    def __init__(self, pane: str) -> None:
        # The row under the cursor keeps its colours: in the spending they say which tier it was.
        super().__init__(
            id=f"table-{pane}",
            cursor_type="row",
            cursor_foreground_priority="renderable",
            zebra_stripes=False,
            cell_padding=1,
        )
        self.pane = pane
        self._rows_shown: dict[str, Row] = {}

    @property
    def key_here(self) -> str | None:
        """Whom the row under the cursor is about."""
        if not self.row_count:
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show(self, pane: Pane, say: Say) -> None:
        """These rows from now on."""
        if not self.columns:
            for head in pane.heads:
                label = Text(say(head), justify="right" if head in pane.right else "left")
                self.add_column(label, key=head)
        if list(self._rows_shown) == [row.key for row in pane.rows]:
            self._change(pane)
        else:
            self._fill(pane)
        self._rows_shown = {row.key: row for row in pane.rows}

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Chosen(self.pane, event.row_key.value))

    def _change(self, pane: Pane) -> None:
        for row in pane.rows:
            before = self._rows_shown[row.key]
            if before == row:
                continue
            old, new = _cells(pane, before), _cells(pane, row)
            for head, was, now in zip(pane.heads, old, new, strict=True):
                if was != now:
                    self.update_cell(row.key, head, now, update_width=True)

    def _fill(self, pane: Pane) -> None:
        here, line, top = self.key_here, self.cursor_row, self.scroll_y
        self.clear()
        for row in pane.rows:
            self.add_row(*_cells(pane, row), key=row.key)
        keys = [row.key for row in pane.rows]
        if keys:
            self.move_cursor(row=keys.index(here) if here in keys else min(line, len(keys) - 1), scroll=False)
            self.scroll_to(y=top, animate=False, immediate=True)


class Money(Static):
    """The month's money: how much is used, held and left, and where it leads."""

    def show(self, picture: Picture, zone: tzinfo, say: Say) -> None:
        """As it stands."""
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{say('month')} ", style="bold")
        text.append_text(_bar(picture, max(10, min(60, self.size.width - 60))))
        text.append(f"  {money_line(picture, say)}\n")
        text.append(outlook_line(picture, zone, say), style="dim")
        self.update(text)


class Framed(Vertical):
    """A pane with its name on its frame; `about` is said below its rows, or in their place where there are none."""

    def __init__(self, pane: str, name: str, number: int) -> None:
        super().__init__(id=pane, classes="pane")
        self.pane = pane
        self._title, self._number = name, number
        self.table = Table(pane)
        self.about = Static(id=f"about-{pane}", classes="about", markup=False)
        self.border_title = f"{number} {name}"

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.about

    def show(self, pane: Pane, about: Text | str, say: Say) -> None:
        """These rows from now on."""
        self.table.show(pane, say)
        self.table.display = bool(pane.rows)
        self.border_title = f"{self._number} {self._title}"
        self.border_subtitle = f"{len(pane.rows):,}" if pane.rows else ""
        said = about if pane.rows else pane.empty
        self.about.display = bool(said)
        self.about.update(said)


def tier_legend(picture: Picture) -> Text:
    """Which letters and colours of the days' bars are whose."""
    text = Text()
    for place, name in enumerate(tiers_spent(picture)):
        text.append(f"{FILLS[place % len(FILLS)]} ", style=_TIER_COLOURS[place % len(_TIER_COLOURS)])
        text.append(f"{name}  ")
    return text


def _cells(pane: Pane, row: Row) -> list[Text]:
    """The cells as they are shown: never as markup, since they hold words of others."""
    cells = []
    for place, (head, cell) in enumerate(zip(pane.heads, row.cells, strict=True)):
        coloured = pane.name != "failures" and place == _MOOD_COLUMN
        style = _MOODS.get(row.mood, "") if coloured else ""
        text = Text(
            cell[:_LONGEST],
            style=style,
            justify="right" if head in pane.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            end="",
        )
        if head == "BY_TIER":
            _paint(text)
        cells.append(text)
    return cells


def _paint(bar: Text) -> None:
    for at, letter in enumerate(bar.plain):
        bar.stylize(_TIER_COLOURS[FILLS.index(letter) % len(_TIER_COLOURS)], at, at + 1)


def _bar(picture: Picture, cells: int) -> Text:
    """Settled, held and free of the month's limit, with a mark where people are warned."""
    month, warn_at = picture.month, picture.status["warn_at"]
    if month is None or not month.limit:
        return Text()
    settled = min(cells, int(month.settled / month.limit * cells))
    held = min(cells - settled, -(-month.held * cells // month.limit))
    letters = list("█" * settled + "▒" * held + "░" * (cells - settled - held))
    mark = min(cells - 1, int(warn_at * cells))
    share = month.settled / month.limit
    colour = "red" if share >= 1 else "yellow" if share >= warn_at else "green"
    text = Text("".join(letters))
    text.stylize(colour, 0, settled)
    text.stylize("yellow", settled, settled + held)
    text.stylize("dim", settled + held, cells)
    if settled <= mark < cells:
        text = text[:mark] + Text("┃", style="yellow") + text[mark + 1 :]
    text.append(f" {int(share * _ROUND_PERCENT)} %")
    return text
