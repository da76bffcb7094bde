"""The table of docs/access.md is that of the rules."""

from __future__ import annotations

from pathlib import Path

from koubou.cli.access_page import renewed

PAGE = Path(__file__).parents[2] / "docs" / "access.md"


def test_the_table_of_the_page_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert "| pause the workshop | `pause` | – | – | all | all |" in written
    assert written == renewed(written), "stale: run `python -m koubou.cli.access_page docs/access.md`"
