"""The settings file that is shipped says in words what holds without it."""

from __future__ import annotations

from pathlib import Path

from koubou.config.load import load
from koubou.config.tiers import tiers

SHIPPED = Path(__file__).parents[2] / "etc" / "koubou.yaml"
AT = 1_795_000_000_000


def test_the_shipped_file_is_the_defaults() -> None:
    shipped, default = load(SHIPPED, {}), load(None, {}, system_file=Path("/nonexistent/koubou.yaml"))
    assert shipped.model_dump(exclude={"tiers"}) == default.model_dump(exclude={"tiers"})
    key = {"OPENAI_API_KEY": "x"}
    assert tiers(shipped, key, at=AT) == tiers(default, key, at=AT)


def test_the_shipped_file_names_every_section() -> None:
    import yaml

    assert set(yaml.safe_load(SHIPPED.read_text())) == set(load(SHIPPED, {}).model_dump())
