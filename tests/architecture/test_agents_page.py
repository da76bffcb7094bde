"""docs/agents.md says what counts as dangerous, as it is built in, and its settings are settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from koubou.config.dangerous import DANGEROUS
from koubou.config.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SETTINGS = [block for block in BLOCKS if block.startswith(("tiers:", "commands:"))]


def test_the_patterns_on_the_page_are_those_that_are_built_in() -> None:
    section = PAGE.partition("## Dangerous commands")[2].partition("\n## ")[0]
    [block] = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    assert tuple(block.splitlines()) == DANGEROUS


@pytest.mark.parametrize("block", SETTINGS)
def test_the_settings_on_the_page_are_right(block: str, tmp_path: Path) -> None:
    whole = yaml.safe_load(SETTINGS[0])
    shown = yaml.safe_load(block)
    file = tmp_path / "koubou.yaml"
    file.write_text(yaml.safe_dump({**whole, **shown, "tiers": {**whole["tiers"], **shown["tiers"]}}))
    assert load(file, {}).tiers


def test_there_are_settings_on_the_page() -> None:
    assert len(SETTINGS) == 3
