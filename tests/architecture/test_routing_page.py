"""The tables of docs/routing.md are those of the rules."""

from __future__ import annotations

import re
from pathlib import Path

from koubou.cli.routing_page import renewed, tables

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"


def test_the_tables_of_the_page_are_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == renewed(written), "stale: run `python -m koubou.cli.routing_page docs/routing.md`"


def test_every_table_stands_on_the_page() -> None:
    assert set(re.findall(r"<!-- table: (\w+) -->", PAGE.read_text(encoding="utf-8"))) == set(tables())
