"""What is confidential stays in the house, whatever is asked; only a named person may let it out, with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from simulator import Simulator
from workshop import OpenWorkshop, Workshop, a_tier

SECRET = "db_password = 'Tr0ub4dor-planted-9'"


def no_local_tier(provider: Simulator) -> dict[str, Any]:
    """Settings of a workshop that has only the cloud."""
    return {
        "tiers": {"gpt5_high": a_tier(provider, "cloud", "gpt-5")},
        "routing": {"high": "gpt5_high", "medium": "gpt5_high", "low": "gpt5_high"},
    }


@pytest.mark.parametrize("asked", ["auto", "gpt5_high"])
def test_a_task_with_a_secret_is_answered_in_the_house(workshop: Workshop, provider: Simulator, asked: str) -> None:
    workshop.drop("a.yaml", {"id": "a", "prompt": f"Mend:\n{SECRET}", "difficulty": "high", "tier": asked})
    output = workshop.output("a")
    assert (output["tier"], output["sensitivity"]) == ("local", "confidential")
    assert provider.requests("cloud") == []


def test_a_task_file_may_raise_but_never_lower_what_was_found(workshop: Workshop, provider: Simulator) -> None:
    workshop.drop("low.yaml", {"id": "low", "prompt": SECRET, "sensitivity": "public", "difficulty": "high"})
    workshop.drop("up.yaml", {"id": "up", "prompt": "Tea?", "sensitivity": "confidential", "difficulty": "high"})
    assert workshop.output("low")["sensitivity"] == "confidential"
    assert workshop.output("up")["sensitivity"] == "confidential"
    assert provider.requests("cloud") == []


def test_without_a_local_tier_it_waits_until_a_person_lets_it_go(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    workshop = open_workshop(**no_local_tier(provider)).start()
    workshop.drop("a.yaml", {"id": "a", "prompt": SECRET})
    workshop.drop("b.yaml", {"id": "b", "prompt": "What is tea?"})
    assert workshop.wait_for_park("a", "secrecy")["sensitivity"] == "confidential"
    workshop.output("b")
    assert "Tr0ub4dor" not in provider.received()

    no_reason = workshop.koubou("release", "a", "--as", "public")
    assert no_reason.returncode == 64, no_reason.stderr
    released = workshop.koubou("release", "a", "--as", "public", "--reason", "a password of the manual")
    assert released.returncode == 0, released.stderr
    assert workshop.output("a")["tier"] == "gpt5_high"
    history = workshop.show("a")["history"]
    assert any("a password of the manual" in line["reason"] for line in history)


def test_when_the_local_model_fails_the_cloud_is_no_way_out(workshop: Workshop, provider: Simulator) -> None:
    workshop.settings["tiers"]["local"]["fallback"] = "gpt5_high"
    provider.behave(model="house-model", errors={"server": 1.0})
    workshop.reload()
    workshop.drop("a.yaml", {"id": "a", "prompt": SECRET, "retries": 1})
    error = workshop.error("a")["error"]
    assert error["class"] in {"server", "no_tier"}
    assert provider.requests("cloud") == []


def test_a_local_tier_that_is_elsewhere_is_not_believed(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    """`reach: local` with a public host is not offered: the task waits, the status says why."""
    settings = no_local_tier(provider)
    settings["tiers"]["local"] = a_tier(provider, "house", "house-model", base_url="http://203.0.113.7:8000/v1")
    settings["routing"]["low"] = "local"
    workshop = open_workshop(**settings)
    workshop.launch()
    code = workshop.koubou("check").returncode
    assert code in {0, 78}
    if code == 78:
        assert workshop.exit_code() == 78
        return
    workshop.wait_for_event("system.ready")
    workshop.drop("a.yaml", {"id": "a", "prompt": SECRET})
    workshop.wait_for_park("a", "secrecy")


def test_a_tier_without_its_key_is_not_offered(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    tiers = {
        "gpt5_high": a_tier(provider, "cloud", "gpt-5", api_key={"env": "NO_SUCH_KEY"}, fallback="local"),
        "local": a_tier(provider, "house", "house-model"),
    }
    workshop = open_workshop(tiers=tiers, routing={"high": "gpt5_high", "medium": "local", "low": "local"}).start()
    workshop.drop("a.yaml", {"id": "a", "prompt": "Design it.", "difficulty": "high"})
    output = workshop.output("a")
    assert output["tier"] == "local"
    assert any("gpt5_high" in step["reason"] for step in output["route"])


def test_keys_are_seen_by_nobody(workshop: Workshop) -> None:
    """Neither on a command line nor in the environment of a worker, nor in what is written."""
    workshop.drop("a.yaml", {"id": "a", "prompt": "What is tea?", "tier": "gpt5_high"})
    workshop.output("a")
    crew = [each for each in workshop.notice_processes() if workshop.process and each.pid != workshop.process.pid]
    assert crew
    key = workshop.environment["PROVIDER_KEY"]
    for process in crew:
        assert key not in process.environ().values()
        assert key not in " ".join(process.cmdline())
    for path in workshop.home.rglob("*"):
        if path.is_file() and not path.is_socket():
            assert key.encode() not in path.read_bytes(), path
