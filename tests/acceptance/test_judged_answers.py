"""What a judge in the cloud may read: an answer that rules and detector have looked at, and that holds no secret."""

from __future__ import annotations

from simulator import Simulator
from workshop import OpenWorkshop, three_tiers

TOKEN = "shpat_" + "9c1f2e7ab04d8365" * 2
"""Of a form that the detector alone knows."""


def test_an_answer_with_a_token_that_only_the_detector_knows_is_not_shown_to_a_judge_in_the_cloud(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    provider.behave(answer='{"score": 0.9}')
    provider.behave(model="house-model", answer=f"Here it is: {TOKEN}")
    tiers = three_tiers(provider)
    workshop = open_workshop(tiers=tiers, judge={"tier": "gpt5_medium"}).start()
    workshop.drop("told.yaml", {"id": "told", "prompt": "Say something", "tier": "local"})
    told = workshop.output("told")
    assert (told["sensitivity"], told["judge_score"]) == ("confidential", None)
    assert "gpt-5" not in provider.bill()["models"]
    provider.behave(model="house-model", answer="Nothing of the kind.")
    workshop.drop("fine.yaml", {"id": "fine", "prompt": "Say something", "tier": "local"})
    assert workshop.output("fine")["judge_score"] == 0.9
