"""Aligned columns for people, also where letters are two cells wide."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import IO

from koubou.cli.say import STATUS_COLOURS, one_line, paint

_GAP = "  "
_ELLIPSIS = "…"
_NARROWEST = 40


def width(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(letter) for letter in text)


def cut(text: str, cells: int) -> str:
    """The text in so many cells at most, with an ellipsis where something is left out."""
    if width(text) <= cells:
        return text
    taken, used = [], 0
    for letter in text:
        used += _cells(letter)
        if used > cells - 1:
            break
        taken.append(letter)
    return "".join(taken) + _ELLIPSIS


def print_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    stream: IO[str] | None = None,
) -> None:
    """Print rows under their heads. Columns of `right` are aligned right; on a terminal the last column is cut to fit.

    A cell that is a status has its colour. Nothing is printed where there are no rows but the heads.
    """
    out = stream or sys.stdout
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(width(cell) for cell in column) for column in zip(heads, *shown, strict=True)]
    room = _room(out, widths)
    for number, row in enumerate([list(heads), *shown]):
        cells = []
        for place, (cell, cells_wide) in enumerate(zip(row, widths, strict=True)):
            last = place == len(row) - 1
            text = cut(cell, room) if last and room else cell
            gap = " " * (cells_wide - width(text))
            coloured = paint(text, "dim" if number == 0 else STATUS_COLOURS.get(text), out)
            cells.append(gap + coloured if heads[place] in right else coloured + ("" if last else gap))
        print(_GAP.join(cells).rstrip(), file=out)


def _room(stream: IO[str], widths: Sequence[int]) -> int:
    """The cells that the last column may take; 0 = as many as it likes."""
    if not stream.isatty():
        return 0
    before = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    return max(shutil.get_terminal_size().columns - before, _NARROWEST // 2)


def _cells(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
