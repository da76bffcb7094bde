"""The page on the command line is rendered from the parsers and must be as they are."""

from __future__ import annotations

from pathlib import Path

from koubou.cli.reference import render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"


def test_the_page_on_the_command_line_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "stale: run `python -m koubou.cli.reference > docs/reference/command-line.md`"
    )
