"""Tables and sentences for people: aligned in cells, not in letters, and harmless for a terminal."""

from __future__ import annotations

import io

import pytest

from koubou.cli import say
from koubou.cli.table import cut, print_table, width
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND

NOW = 1_800_000_000_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]], **options: object) -> list[str]:
    out = io.StringIO()
    print_table(heads, rows, stream=out, **options)  # type: ignore[arg-type]
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("abc", 3), ("工房", 4), ("a工b", 4), ("e\u0301", 1), ("ﾊﾝｶｸ", 4), ("ａ", 2)]
)
def test_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells


def test_cut_never_passes_its_cells() -> None:
    assert cut("工房の板", 8) == "工房の板"
    assert cut("工房の板", 7) == "工房の…"
    assert cut("工房の板", 6) == "工房…"
    assert width(cut("工房の板", 6)) <= 6


def test_columns_stand_under_one_another_also_where_letters_are_wide() -> None:
    lines = table(("ID", "N", "ABOUT"), [("工房", "7", "x"), ("a", "1000", "y")], right=("N",))
    assert lines == ["ID       N  ABOUT", "工房     7  x", "a     1000  y"]


def test_no_line_ends_with_spaces() -> None:
    assert all(line == line.rstrip() for line in table(("A", "B"), [("x", ""), ("", "yy")]))


def test_text_of_others_cannot_move_the_cursor_or_break_the_table() -> None:
    lines = table(("ID", "ABOUT"), [("a", "one\ntwo\x1b[2J\x07\u202e")])
    assert len(lines) == 2
    assert "\x1b" not in lines[1]
    assert "\u202e" not in lines[1]


def test_colour_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert say.paint("x", "red", io.StringIO()) == "x"
    assert say.paint("x", "red", Terminal()) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert say.paint("x", "red", Terminal()) == "x"


def test_the_last_column_is_cut_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    print_table(("ID", "ABOUT"), [("a", "工" * 100)], stream=out)
    assert max(width(line) for line in out.getvalue().splitlines()) <= 40


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (-5, "0ms"),
        (340, "340ms"),
        (2_500, "2.5s"),
        (12 * SECOND, "12s"),
        (5 * MINUTE, "5m"),
        (5 * MINUTE + 3 * SECOND, "5m 3s"),
        (2 * HOUR + 5 * MINUTE, "2h 5m"),
        (3 * DAY + 4 * HOUR, "3d 4h"),
    ],
)
def test_lengths_of_time_have_two_units(time: int, text: str) -> None:
    assert say.lasting(time) == text


def test_times_are_as_short_as_they_can_be() -> None:
    assert say.when(None, NOW) == "–"
    assert len(say.when(NOW, NOW)) == len("08:00:00")
    assert len(say.when(NOW - 400 * DAY, NOW)) == len("2025-12-11 08:00")


def test_a_bar_stays_within_its_frame() -> None:
    assert say.bar(0.5, 4) == "██░░  50 %"
    assert say.bar(3, 4) == "████ 300 %"
    assert say.bar(0, 4) == "░░░░   0 %"


def test_a_bar_is_full_only_when_all_is_used() -> None:
    assert say.bar(0.996, 24) == "█" * 23 + "░  99 %"
    assert say.bar(29 / 100, 4) == "█░░░  29 %"
    assert say.bar(1.0, 4) == "████ 100 %"


def test_json_is_one_value_also_where_a_name_is_no_text() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    say.print_json({"file": "a\udcff", "title": "工房"}, out)
    out.flush()
    assert out.buffer.getvalue().count(b"\n") == 1  # type: ignore[attr-defined]
