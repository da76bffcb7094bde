"""A frozen model makes its tiers unfit, and says why."""

from __future__ import annotations

from koubou.rules.latches import EMERGENCY, as_latched, latch_of_model
from tests.builders import a_tier, tiers


def test_only_the_tiers_of_the_frozen_model_are_unfit() -> None:
    shop = tiers(a_tier("high", model="big"), a_tier("medium", model="big"), a_tier("local"))
    seen = as_latched(shop, {latch_of_model("big"): "it billed too much"})
    assert [name for name, tier in seen.items() if tier.unfit] == ["high", "medium"]
    assert "it billed too much" in (seen["high"].unfit or "")
    assert "koubou budget resume" in (seen["high"].unfit or "")


def test_what_was_unfit_before_keeps_its_own_reason() -> None:
    shop = tiers(a_tier("high", model="big", unfit="no key"))
    assert as_latched(shop, {latch_of_model("big"): "x"})["high"].unfit == "no key"


def test_other_latches_change_no_tier() -> None:
    shop = tiers()
    assert as_latched(shop, {}) == shop
    assert as_latched(shop, {EMERGENCY: "drill", latch_of_model("another"): "x"}) == shop
