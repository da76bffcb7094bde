"""What docs/rehearsal.md tells people to write is what the settings and the script take."""

from __future__ import annotations

import re
from pathlib import Path

from koubou.backends.script import choose, read_script
from koubou.config.load import load
from koubou.config.tiers import tiers

PAGE = Path(__file__).parents[2] / "docs" / "rehearsal.md"
SETTINGS, SCRIPT = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_settings_of_the_page_offer_both_tiers_without_a_key(tmp_path: Path) -> None:
    file = tmp_path / "koubou.yaml"
    file.write_text(SETTINGS)
    found, keys = tiers(load(file, {}), {})
    assert {name: tier.unfit for name, tier in found.items()} == {"strong": None, "plain": None}
    assert found["strong"].script == "/tmp/script.yaml"
    assert not any(keys.values())


def test_the_script_of_the_page_answers_as_it_says() -> None:
    cues = read_script(SCRIPT.encode(), name="script.yaml")
    asked = ("May we deploy?", "too much", "cut", "anything")
    assert [choose(cues, [0, 0, 0, 0], question) for question in asked] == [0, 1, 2, 3]
    assert choose(cues, [2, 0, 0, 0], asked[0]) == 3
