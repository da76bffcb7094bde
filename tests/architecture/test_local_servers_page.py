"""What docs/local-servers.md tells people to write is what the settings take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from koubou.config.load import load
from koubou.config.tiers import tiers
from koubou.embedded.registry import MODELS

PAGE = Path(__file__).parents[2] / "docs" / "local-servers.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[str(number) for number in range(len(BLOCKS))])
def test_the_lines_for_each_local_server_are_settings_that_serve(block: str, tmp_path: Path) -> None:
    file = tmp_path / "koubou.yaml"
    file.write_text(block)
    environment = {"VLLM_API_KEY": "key"}
    settings = load(file, environment)
    if "tiers:" not in block:
        assert settings.embedded.model in MODELS
        return
    found, keys = tiers(settings, environment)
    assert {name: tier.unfit for name, tier in found.items()} == {"local": None}
    assert found["local"].embedded == ("embedded" in block)
    assert bool(keys) == ("VLLM_API_KEY" in block)


def test_every_embedded_model_stands_on_the_page() -> None:
    assert all(f"`{name}`" in PAGE.read_text() for name in MODELS)
