"""Values in tables: below a telling head or beside a telling name, in Markdown, CSV and columns set by tabs."""

from __future__ import annotations

import re
from itertools import islice

from koubou.rules.secrets.placeholders import is_password, random_looking

_LONGEST_LINE = 1_000
_MOST_ROWS = 20
_RULE = re.compile(r"[-:=+| \t]+")
_HEAD = re.compile(r"[\w .\-/#()*]{1,40}")
_VERSION = re.compile(r"[A-Za-z]+[-_ ]?v?\d+(?:\.\d+)+")


def is_plainly_secret(value: str) -> bool:
    """Whether a value that only stands near a name is nothing but a secret: no word, type or version of a manual."""
    if len(value) < 6 or " " in value or _VERSION.fullmatch(value) or not is_password(value, quoted=False):
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda letter: letter in "!#$%&*+=?@^~")
    mixed = sum(any(map(kind, value)) for kind in kinds) >= 3 and len(value) >= 8
    return (any(map(str.isdigit, value)) and (mixed or (value.isalnum() and len(value) >= 10))) or random_looking(value)


def stands_in_table(text: str, start: int, end: int) -> bool:
    """Whether the name at these offsets is a cell of a table, and the cell behind or one below it is a secret."""
    first, last = _line(text, start)
    mark = text[end:last].lstrip(" \"'`*")[:1]
    if last - first > _LONGEST_LINE or mark not in {"", ",", ";", "|", "\t"}:
        return False
    for sign in (mark,) if mark else ",;|\t":
        place = text.count(sign, first, start)
        cells = _cells(text[first:last], sign)
        if sum(map(bool, cells)) > 1 and cells[place] == _bare(text[start:end]):
            behind = [cell for cell in cells[place + 1 :] if cell][:1] if sign in "|\t" else []
            if any(map(is_plainly_secret, behind)) or _is_below(text, last, sign, place, cells):
                return True
    return False


def _is_below(text: str, last: int, sign: str, place: int, heads: list[str]) -> bool:
    """Whether a row below holds a secret in this place; the rows have as many cells as the head."""
    if not all(_HEAD.fullmatch(head) for head in heads if head):
        return False
    rows = islice(re.finditer(r"\n([^\n]{0,1000})", text[last : last + _MOST_ROWS * _LONGEST_LINE]), _MOST_ROWS)
    for row in rows:
        if _RULE.fullmatch(row[1]):
            continue
        cells = _cells(row[1], sign)
        if len(cells) != len(heads):
            return False
        if is_plainly_secret(cells[place]):
            return True
    return False


def _cells(line: str, sign: str) -> list[str]:
    return [_bare(cell) for cell in line.split(sign)]


def _bare(cell: str) -> str:
    return cell.strip(" \t\r\"'`*")


def _line(text: str, start: int) -> tuple[int, int]:
    """Where the line of an offset begins and ends; of a longer one, only that it is longer."""
    first = text.rfind("\n", max(0, start - _LONGEST_LINE), start) + 1 or max(0, start - _LONGEST_LINE)
    last = text.find("\n", start, start + _LONGEST_LINE)
    return first, last if last >= 0 else min(len(text), start + _LONGEST_LINE)
