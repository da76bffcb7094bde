"""Tiers are offered when they are safe, priced and have their key; else they say why not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from found_programs import Programs
from settings_files import Shelf

from koubou.config.report import describe, show_duration
from koubou.config.tiers import tiers
from koubou.model.instant import DAY
from koubou.model.money import FREE, Price, Rates
from koubou.model.tier import Tier

AT = 1_795_000_000_000  # 2026-11-18
KEY = "sk-hunter2-hunter2"


def public(_name: str) -> list[str]:
    return ["93.184.216.34"]


def private(_name: str) -> list[str]:
    return ["192.168.1.5"]


def one(shelf: Shelf, tier: str, environ: Mapping[str, str] | None = None, resolve: object = public) -> Tier:
    shelf.write(f"home: {shelf.folder}/home\ntiers: {{a: {{{tier}}}}}")
    found, keys = tiers(shelf.load(), environ or {}, at=AT, resolve=resolve)  # type: ignore[arg-type]
    assert KEY not in repr(found)
    assert ("a" in keys) is bool(found["a"].unfit is None and environ)
    return found["a"]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr("koubou.config.programs._SYSTEM_FOLDER", tmp_path / "nothing")
    return Programs(tmp_path / "programs")


def test_without_a_key_only_the_local_tier_of_the_defaults_is_offered(shelf: Shelf) -> None:
    found, keys = tiers(shelf.load(), {}, at=AT)
    assert [name for name, tier in found.items() if tier.unfit is None] == ["local"]
    assert found["gpt5_high"].unfit == "the environment variable OPENAI_API_KEY is not set"
    assert (found["gpt5_high"].price, found["local"].price, keys) == (None, FREE, {})


def test_with_the_key_the_defaults_are_priced_from_the_table(shelf: Shelf) -> None:
    found, keys = tiers(shelf.load(), {"OPENAI_API_KEY": f" {KEY}\n"}, at=AT)
    high = found["gpt5_high"]
    assert keys == {"gpt5_high": (KEY,), "gpt5_medium": (KEY,)}
    assert KEY not in repr(found)
    assert high.price is not None
    assert high.price.base == Rates(
        input=1_250_000_000, output=10_000_000_000, cached_input=125_000_000, cache_write=1_250_000_000
    )
    assert (high.provider, high.requests_per_minute, high.timeout, high.places) == ("openai", 10, 300_000, 32)


CLOUD = "reach: cloud, base_url: 'https://api.openai.com/v1'"
LOCAL = "reach: local, price: {input: 0, output: 0}, model: m"


@pytest.mark.parametrize(
    ("tier", "reason"),
    [
        (f"{CLOUD}, model: gpt-5", "needs a key"),
        (f"{CLOUD}, model: gpt-5, api_key: {{secret: openai}}", "koubou secret set openai"),
        (f"{CLOUD}, model: gpt-5, api_key: {{credential: openai}}", "LoadCredential=openai"),
        (f"{LOCAL}, base_url: 'http://gpu.lan:8000/v1'", "set trusted_host: true"),
        (f"{LOCAL}, base_url: 'http://203.0.113.7/v1'", "neither loopback nor a private address"),
        ("reach: local, base_url: 'http://localhost/v1', model: m", "{a: {price: {input: 0, output: 0}}}"),
        (f"{LOCAL}-cloud, base_url: 'http://localhost:11434/v1'", "from the cloud"),
        (f"{LOCAL}:Cloud, base_url: 'http://localhost:11434/v1', trusted_host: true", "from the cloud"),
        (f"{LOCAL}, base_url: 'http://localhost/v1', max_output_tokens: 9000", "no room for a question"),
        (f"{LOCAL}, base_url: 'http://localhost/v1', min_output_tokens: 9000", "min_output_tokens is above"),
    ],
)
def test_a_tier_that_is_not_fit_says_why(shelf: Shelf, tier: str, reason: str) -> None:
    assert reason in str(one(shelf, tier).unfit)


@pytest.mark.parametrize(
    ("vouched", "unfit"),
    [
        ("sandbox: required", "None"),
        ("sandbox: none", "set trusted_host: true"),
        ("sandbox: off", "set trusted_host: true"),
        ("sandbox: none, trusted_host: true", "None"),
    ],
)
def test_a_command_is_offered_in_a_sandbox_or_where_somebody_vouches_for_it(
    shelf: Shelf, places: Programs, vouched: str, unfit: str
) -> None:
    command = "commands: {c: {argv: [cat, -u], idle: 5m, grace: 2s}}"
    shelf.write(f"{command}\ntiers: {{a: {{{LOCAL}, executor: 'command:c', {vouched}}}}}")
    [tier] = tiers(shelf.load(), places.environ(), at=AT)[0].values()
    assert unfit in str(tier.unfit)
    assert (tier.command, tier.idle, tier.grace) == (("cat", "-u"), 300_000, 2_000)


def test_a_model_without_a_price_is_not_offered_and_told_the_lines_to_add(shelf: Shelf) -> None:
    tier = one(shelf, f"{CLOUD}, model: gpt-unheard-of, api_key: {{env: K}}", {"K": KEY})
    assert "add to the settings: prices: {gpt-unheard-of: {input: <USD>, output: <USD>}} per million" in str(tier.unfit)


def test_a_provider_that_nobody_knows_has_no_price(shelf: Shelf) -> None:
    tier = one(
        shelf, "reach: cloud, base_url: 'https://llm.example.com/v1', model: gpt-5, api_key: {env: K}", {"K": KEY}
    )
    assert "has no price" in str(tier.unfit)


def test_a_price_of_the_settings_goes_before_the_table(shelf: Shelf) -> None:
    price = "price: {input: 1, output: 2, cached_input: 0.1, steps: [{above: 1000, input: 3, output: 4}]}"
    tier = one(shelf, f"{CLOUD}, model: gpt-unheard-of, api_key: {{env: K}}, {price}", {"K": KEY})
    assert tier.unfit is None
    assert tier.price is not None
    assert tier.price.base == Rates(input=10**9, output=2 * 10**9, cached_input=10**8, cache_write=10**9)
    assert tier.price.steps == (
        (1000, Rates(input=3 * 10**9, output=4 * 10**9, cached_input=3 * 10**9, cache_write=3 * 10**9)),
    )


def priced(shelf: Shelf, prices: str, tier: str = "model: gpt-5") -> Price:
    shelf.write(f"prices: {prices}\ntiers: {{a: {{{CLOUD}, api_key: {{env: K}}, {tier}}}}}")
    found = tiers(shelf.load(), {"K": KEY}, at=AT)[0]["a"]
    assert found.price is not None, found.unfit
    return found.price


def test_the_settings_own_table_goes_before_the_price_table_and_behind_the_tiers_price(shelf: Shelf) -> None:
    mine = "{gpt-5: {input: 7, output: 8}, gpt-6: {input: 1, output: 1}}"
    price = priced(shelf, mine)
    assert (price.base.input, price.base.output, price.source) == (7 * 10**9, 8 * 10**9, "prices.gpt-5")
    assert priced(shelf, mine, "model: gpt-6").source == "prices.gpt-6"
    assert priced(shelf, mine, "model: gpt-5, price: {input: 3, output: 4}").source == "tiers.a.price"
    assert priced(shelf, mine, "model: gpt-5-mini").source == "genai-prices 0.2.3, openai, 2026-11-18"


def test_a_price_by_provider_and_model_goes_before_one_by_model(shelf: Shelf) -> None:
    both = "{gpt-5: {input: 1, output: 1}, openai/gpt-5: {input: 2, output: 2}, azure/gpt-5: {input: 3, output: 3}}"
    assert priced(shelf, both).source == "prices.openai/gpt-5"
    assert priced(shelf, "{azure/gpt-5: {input: 3, output: 3}}").source.startswith("genai-prices")


def test_a_price_of_another_layer_replaces_the_whole_of_it(shelf: Shelf) -> None:
    shelf.write_beside("x.yaml", "prices: {gpt-5: {input: 2, output: 3}}")
    price = priced(shelf, "{gpt-5: {input: 1, output: 1, cached_input: 0.01}, other: {input: 1, output: 1}}")
    assert (price.base.input, price.base.cached_input) == (2 * 10**9, 2 * 10**9)
    assert set(shelf.load().prices) == {"gpt-5", "other"}


def test_what_is_written_for_an_hour_costs_as_other_writes_where_nothing_else_is_said(shelf: Shelf) -> None:
    base = priced(shelf, "{gpt-5: {input: 1, output: 1, cache_write: 1.25}}").base
    assert base.cache_write_1h == base.cache_write == 1_250_000_000
    base = priced(shelf, "{gpt-5: {input: 1, output: 1, cache_write: 1.25, cache_write_1h: 2}}").base
    assert (base.cache_write, base.cache_write_1h) == (1_250_000_000, 2 * 10**9)


def test_a_local_model_is_priced_by_the_settings_table_too(shelf: Shelf) -> None:
    shelf.write(
        "prices: {local/m: {input: 0, output: 0}}\ntiers: {a: {reach: local, base_url: 'http://[::1]', model: m}}"
    )
    price = tiers(shelf.load(), {}, at=AT)[0]["a"].price
    assert price == FREE
    assert price.source == "prices.local/m"


def test_a_tier_is_the_same_on_another_day_at_the_same_price(shelf: Shelf) -> None:
    key = {"OPENAI_API_KEY": KEY}
    assert tiers(shelf.load(), key, at=AT)[0] == tiers(shelf.load(), key, at=AT + DAY)[0]


def test_the_window_is_known_only_where_its_source_is_sure(shelf: Shelf) -> None:
    def window(tier: str) -> int | None:
        return one(shelf, f"{tier}, api_key: {{env: K}}", {"K": KEY}).window

    assert window(f"{CLOUD}, model: gpt-5") == 400_000
    assert window(f"{CLOUD}, model: gpt-5-2025-08-07, context_tokens: 50000") == 400_000
    # Sonnet 4.5 is listed with 200,000, and with a price for longer requests.
    assert window("reach: cloud, base_url: 'https://api.anthropic.com', model: claude-sonnet-4-5") is None
    assert window("reach: cloud, base_url: 'https://api.anthropic.com', model: claude-opus-4-5") == 200_000
    # With a price of the operator's own nobody asked the table.
    assert window(f"{CLOUD}, model: gpt-5, price: {{input: 1, output: 1}}, context_tokens: 50000") is None
    assert window(f"{LOCAL}, base_url: 'http://localhost/v1', context_tokens: 5000") is None
    embedded = "reach: local, server: embedded, price: {input: 0, output: 0}"
    assert window(embedded) == 4096
    assert window(f"{embedded}, base_url: 'http://localhost:1234/v1'") is None


def test_a_local_tier_by_name_is_believed_when_its_addresses_are_private(shelf: Shelf) -> None:
    tier = one(shelf, f"{LOCAL}, base_url: 'http://gpu.lan:8000/v1'", resolve=private)
    assert (tier.unfit, tier.provider, tier.context_tokens, tier.places) == (None, "local", 8192, 2)


def test_an_operator_may_vouch_for_a_host(shelf: Shelf) -> None:
    assert one(shelf, f"{LOCAL}, base_url: 'http://gpu.lan:8000/v1', trusted_host: true").unfit is None


def test_the_embedded_server_and_rehearsal_need_no_address_and_no_key(shelf: Shelf) -> None:
    embedded = one(shelf, "reach: local, server: embedded, price: {input: 0, output: 0}")
    assert (embedded.unfit, embedded.embedded, embedded.base_url, embedded.model) == (None, True, "", "smollm2-135m")
    rehearsal = one(shelf, "reach: cloud, executor: rehearsal, provider: openai, model: gpt-5, script: /s.yaml")
    assert (rehearsal.unfit, rehearsal.script) == (None, "/s.yaml")
    assert rehearsal.price is not None


def test_a_credential_is_read_from_the_folder_of_the_service_manager(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "openai").write_text(f"{KEY}\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    settings = f"{CLOUD}, model: gpt-5, api_key: {{credential: openai}}"
    assert one(shelf, settings, environ).unfit is None

    os.rename(tmp_path / "openai", tmp_path / "real")
    os.symlink("real", tmp_path / "openai")
    assert "cannot be read" in str(one(shelf, settings, environ).unfit)
    os.unlink(tmp_path / "openai")
    os.mkfifo(tmp_path / "openai")
    assert "not a regular file" in str(one(shelf, settings, environ).unfit)


@pytest.mark.parametrize("key", ["a\nb", "a b", "schlüssel", "x" * 20_000])
def test_what_cannot_be_a_key_is_not_sent(shelf: Shelf, key: str) -> None:
    tier = one(shelf, f"{CLOUD}, model: gpt-5, api_key: {{env: K}}", {"K": key})
    assert "does not hold a key" in str(tier.unfit)


def test_the_report_says_what_is_in_force_and_why_a_tier_is_not_offered(shelf: Shelf) -> None:
    settings = shelf.load()
    lines = describe(settings, tiers(settings, {}, at=AT)[0])
    text = "\n".join(lines)
    assert "gpt5_high (cloud, gpt-5): not offered: the environment variable OPENAI_API_KEY is not set" in text
    assert "local (local, gpt-oss-20b): offered, 2 places, free" in text
    assert "high -> gpt5_high, medium -> gpt5_medium, low -> local" in text
    assert "month      $500.00: " in text
    assert "no call passes 100%" in text


def test_the_report_warns_when_nothing_or_nothing_local_is_offered(shelf: Shelf) -> None:
    shelf.write(f"tiers: {{a: {{{CLOUD}, model: gpt-5, api_key: {{env: K}}}}}}")
    settings = shelf.load()
    assert "every task will wait" in describe(settings, tiers(settings, {}, at=AT)[0])[-1]
    assert "confidential tasks will wait" in describe(settings, tiers(settings, {"K": KEY}, at=AT)[0])[-1]


def test_durations_are_shown_as_they_are_written() -> None:
    shown = [show_duration(each) for each in (0, 200, 1500, 30_000, 300_000, 7_200_000, 86_400_000)]
    assert shown == ["0ms", "200ms", "1500ms", "30s", "5m", "2h", "1d"]


def test_who_judges_is_told_only_where_somebody_does(shelf: Shelf) -> None:
    shelf.write("")
    assert not [line for line in describe(shelf.load(), {}) if line.startswith("judge")]
    shelf.write("routing: {judge: local}\njudge: {tier: gpt5_medium, threshold: 0.4, types: [bug_fix]}")
    told = [line for line in describe(shelf.load(), {}) if line.startswith("judge")]
    assert told == [
        "judge      local is asked how hard a task is where the score is unsure",
        "judge      gpt5_medium judges answers of bug_fix: below 0.4 is poor",
    ]
