"""`koubou price`: figures with their source, for programs and for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from koubou.cli import exits
from koubou.cli.main import main

SETTINGS = """\
home: {home}
prices: {{our-model: {{input: 1, output: 2, cached_input: 0.5}}, openai/gpt-5: {{input: 9, output: 9}}}}
tiers:
  mine: {{reach: local, base_url: 'http://localhost:1234/v1', model: small, price: {{input: 0, output: 0}}}}
  ours: {{reach: cloud, base_url: 'https://llm.example.com/v1', model: our-model, api_key: {{env: NOBODY_SET_IT}}}}
"""


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    settings = tmp_path / "koubou.yaml"
    settings.write_text(SETTINGS.format(home=tmp_path / "home"))

    def ask(*words: str) -> tuple[int, str, str]:
        code = main(["price", "--config", str(settings), *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return ask


def value(asked: Any, *words: str) -> Any:
    code, told, _ = asked(*words, "--json")
    assert code == exits.DONE
    return json.loads(told)


def test_a_price_of_the_table_names_its_version_provider_and_day(asked: Any) -> None:
    found = value(asked, "gpt-5.4", "--at", "2026-11-01")
    assert (found["provider"], found["source"]) == ("openai", "genai-prices 0.2.3, openai, 2026-11-01")
    assert found["rates"] == [
        {
            "above": above,
            "input_usd": read,
            "cached_input_usd": read / 10,
            "cache_write_usd": read,
            "cache_write_1h_usd": read,
            "output_usd": output,
        }
        for above, read, output in ((0, 2.5, 15.0), (272_000, 5.0, 22.5))
    ]
    assert (found["window"], found["free"], found["call"]) == (1_050_000, False, None)


def test_the_day_that_is_asked_for_decides(asked: Any) -> None:
    days = ("2026-08-01", "2026-11-01")
    assert [value(asked, "gpt-5.6", "--at", day)["rates"][0]["input_usd"] for day in days] == [5.0, 4.0]


@pytest.mark.parametrize(
    ("words", "source", "provider"),
    [
        (("our-model",), "prices.our-model", "llm.example.com"),
        (("ours",), "prices.our-model", "llm.example.com"),
        (("gpt-5",), "prices.openai/gpt-5", "openai"),
        (("small",), "tiers.mine.price", "local"),
        (("mine",), "tiers.mine.price", "local"),
        (("gpt-5", "--provider", "azure"), "genai-prices 0.2.3, azure, 2026-11-01", "azure"),
    ],
)
def test_a_model_costs_what_a_tier_would_pay_for_it(
    asked: Any, words: tuple[str, ...], source: str, provider: str
) -> None:
    found = value(asked, *words, "--at", "2026-11-01")
    assert (found["source"], found["provider"]) == (source, provider)


def test_a_call_has_its_cost_and_the_most_that_is_held_for_it(asked: Any) -> None:
    call = value(asked, "our-model", "--input", "1000", "--cached", "400", "--output", "100")["call"]
    assert (call["cost_nusd"], call["held_nusd"]) == (600_000 + 200_000 + 200_000, 1_000_000 + 200_000)
    assert call["cost_usd"] == 0.001
    _, told, _ = asked("our-model", "--input", "1000", "--cached", "400", "--output", "100")
    assert value(asked, "our-model", "--output", "1,000")["call"]["output_tokens"] == 1_000
    assert asked("our-model", "--output", "1,000,000,000")[0] == exits.USAGE
    assert "1,000 tokens in (400 cached) and 100 out cost $0.001; $0.0012 is held for them at most" in told


def test_people_see_a_line_for_each_step(asked: Any) -> None:
    code, told, _ = asked("gpt-5.4", "--at", "2026-11-01")
    lines = told.splitlines()
    assert code == exits.DONE
    assert lines[0] == "gpt-5.4 of openai, USD per million tokens: genai-prices 0.2.3, openai, 2026-11-01"
    assert [line.split()[0] for line in lines[2:4]] == ["any", "above"]
    assert lines[4] == "takes in 1,050,000 tokens at most"


def test_a_model_without_a_price_is_told_with_the_line_to_add_and_the_nearest_names(asked: Any) -> None:
    code, told, complaint = asked("claude-sonet-4-5")
    assert (code, told) == (exits.BAD_TASK_FILE, "")
    assert "add to the settings: prices: {claude-sonet-4-5: {input: <USD>, output: <USD>}} per million" in complaint
    assert "claude-sonnet-4-5" in complaint
    code, told, complaint = asked("our-modle", "--json")
    assert (code, complaint) == (exits.BAD_TASK_FILE, "")
    error = json.loads(told)["error"]
    assert (error["class"], error["nearest"][0]) == ("no_price", "our-model")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("gpt-5", "--at", "yesterday"), "--at takes a day"),
        (("gpt-5", "--at", "9999-99-99"), "--at takes a day"),
        (("gpt-5", "--input", "-1"), "takes a whole number of tokens"),
        (("gpt-5", "--input", "9" * 5000), "takes a whole number of tokens"),
        (("gpt-5", "--input", "1", "--cached", "2"), "--cached is a part of --input"),
        ((), "MODEL"),
    ],
)
def test_a_slip_of_the_hand_is_told_as_one(asked: Any, words: tuple[str, ...], complaint: str) -> None:
    code, told, complained = asked(*words)
    assert (code, told) == (exits.USAGE, "")
    assert complaint in complained
