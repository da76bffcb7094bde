"""The diagram of moves in the docs is that of the code."""

from pathlib import Path

from koubou.cli.diagram import render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "states.md"


def test_the_diagram_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m koubou.cli.diagram > docs/reference/states.md"
