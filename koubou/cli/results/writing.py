"""Results as lines of JSON, or as a table of CSV; one after another, never all at once."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OURS = "koubou_"


def write(columns: Sequence[str], records: Iterable[Mapping[str, Any]], shape: str, *, spreadsheet: bool) -> None:
    """Write them to standard output; nothing in them is altered, but for a `spreadsheet` what begins like a formula."""
    if shape == "jsonl":
        for record in records:
            print(json.dumps(record, ensure_ascii=False))
    else:
        rows = csv.writer(sys.stdout, lineterminator="\n")
        rows.writerow(_heads(columns))
        for record in records:
            cells = [_cell(record, column) for column in columns]
            rows.writerow([_harmless(cell) for cell in cells] if spreadsheet else cells)
    sys.stdout.flush()


def _heads(columns: Sequence[str]) -> list[str]:
    """A row's own columns keep their names; one of ours that is called the same gets a longer one."""
    own = {column.removeprefix("row.") for column in columns if column.startswith("row.")}
    return [
        column.removeprefix("row.") if column.startswith("row.") else _OURS + column if column in own else column
        for column in columns
    ]


def _cell(record: Mapping[str, Any], column: str) -> Any:
    inside, dot, key = column.partition(".")
    value = record.get(inside, {}).get(key) if dot else record.get(column)
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value


def _harmless(cell: Any) -> Any:
    """OWASP, "CSV Injection": a quote before what a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
