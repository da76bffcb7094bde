"""The settings reference is rendered from the models and must be as they are."""

from __future__ import annotations

from pathlib import Path

from koubou.config.reference import render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_settings_reference_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == render(), "stale: run `python -m koubou.config.reference > docs/reference/settings.md`"


def test_every_setting_has_a_sentence() -> None:
    assert "| None |" not in render()
    assert "| any |" not in render()
