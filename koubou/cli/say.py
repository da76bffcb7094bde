"""How things are said: JSON for programs; short times, ages, money and colours for people."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import IO, Any

from koubou.model.instant import Instant, moment
from koubou.model.money import Nano, show_usd
from koubou.views.words import clean, lasting, now, one_line

__all__ = [
    "STATUS_COLOURS",
    "bar",
    "clean",
    "lasting",
    "money",
    "note",
    "now",
    "one_line",
    "paint",
    "print_json",
    "when",
]

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}
STATUS_COLOURS = {
    "completed": "green",
    "failed": "red",
    "cancelled": "dim",
    "in_progress": "blue",
    "assigned": "blue",
    "parked": "yellow",
}
_PER_CENT = 100


def print_json(value: Any, stream: IO[str] | None = None) -> None:
    """One JSON value with a newline; readable as UTF-8, indented on a terminal."""
    out = stream or sys.stdout
    text = json.dumps(value, ensure_ascii=False, indent=2 if out.isatty() else None)
    # A lone surrogate (a file name of odd bytes) cannot be written as UTF-8; JSON can say it in ASCII.
    print(text if _writable(text, out) else json.dumps(value), file=out)


def paint(text: str, colour: str | None, stream: IO[str] | None = None) -> str:
    """The text in a colour, where the stream is a terminal and NO_COLOR is not set."""
    out = stream or sys.stdout
    if colour is None or not out.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def when(at: Instant | None, now: Instant) -> str:
    """A time in the local zone, no longer than needed: 14:03:07 today, 11-21 14:03 this year."""
    if at is None:
        return "–"
    here, today = moment(at).astimezone(), moment(now).astimezone()
    if here.date() == today.date():
        return here.strftime("%H:%M:%S")
    return here.strftime("%m-%d %H:%M" if here.year == today.year else "%Y-%m-%d %H:%M")


def bar(share: float, width: int = 24, stream: IO[str] | None = None) -> str:
    """A bar that is filled to a share from 0 to 1, and its percentage; in ASCII where the stream takes no more.

    Both are full only when all is used: percents are rounded down, as everywhere.
    """
    percent = math.floor(round(share * _PER_CENT, 6))
    filled = min(round(min(1.0, max(0.0, share)) * width), width if percent >= _PER_CENT else width - 1)
    full, empty = "█░" if _writable("█░", stream or sys.stdout) else "#-"
    return f"{full * filled}{empty * (width - filled)} {percent:3d} %"


def money(amount: Nano | None) -> str:
    """An amount, or that there is no limit."""
    return "no limit" if amount is None else show_usd(amount)


def note(text: str) -> None:
    """A remark beside the answer: on standard error, so that programs that read the answer are not disturbed."""
    wipe = "\r\x1b[K" if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else ""  # a line of progress
    print(f"{wipe}koubou: {text}", file=sys.stderr, flush=True)


def _writable(text: str, stream: IO[str]) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
