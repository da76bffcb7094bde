"""The page on task files is rendered from their schema."""

from __future__ import annotations

from pathlib import Path

from koubou.cli.task_file_page import render
from koubou.folders.task_file import Budget, TaskFile

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "task-file.md"


def test_the_page_on_task_files_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == render(), "stale: run `python -m koubou.cli.task_file_page > docs/reference/task-file.md`"


def test_every_key_has_its_line_and_a_sentence() -> None:
    page = render()
    assert all(f"| `{key}` |" in page for key in [*TaskFile.model_fields, *Budget.model_fields])
    assert "| anything |" not in page
    _, keys, *_ = page.split("\n#")
    assert not [line for line in keys.splitlines() if line.startswith("| `") and line.endswith("|  |")]
