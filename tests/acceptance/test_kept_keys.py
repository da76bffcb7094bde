"""Keys that the workshop keeps itself: they serve, change without a restart, and are found nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from simulator import Simulator
from workshop import Workshop, a_tier

FIRST = "sk-live-the-first-of-the-keys-1234"
SECOND = "sk-live-the-second-of-them-567890"


@pytest.fixture
def provider() -> Iterator[Simulator]:
    """A provider that knows the first key and no other."""
    with Simulator(key=FIRST) as provider:
        yield provider


@pytest.fixture
def workshop(provider: Simulator) -> Iterator[Workshop]:
    """A workshop (not started) with one tier, whose key is a secret that nobody has set yet."""
    tiers = {"cloud": a_tier(provider, "cloud", "gpt-5", api_key={"secret": "openai"})}
    with Workshop(provider, tiers=tiers, routing={"high": "cloud", "medium": "cloud", "low": "cloud"}) as workshop:
        workshop.settings["secrets"] = {"key_file": str(workshop.folder / "etc" / "secret.key")}
        workshop.write_settings()
        yield workshop


def secret(workshop: Workshop, *words: str, key: str | None = None) -> dict[str, object]:
    done = workshop.koubou("secret", *words, "--json", stdin=key or "")
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def ask(workshop: Workshop, *tasks: str) -> None:
    workshop.drop_all({f"{task}.yaml": {"id": task, "prompt": "Hello", "tier": "cloud"} for task in tasks})


def keys_used(provider: Simulator) -> list[str]:
    return [each["key"] for each in provider.requests("cloud")]


def places_where(key: str, workshop: Workshop) -> list[str]:
    """Everywhere but in the provider's own memory."""
    files = [path for path in workshop.folder.rglob("*") if path.is_file()]
    found = [str(path) for path in files if key.encode() in path.read_bytes()]
    found += [line for line in map(json.dumps, workshop.lines) if key in line]
    for process in workshop.notice_processes():
        with suppress(psutil.Error, OSError):
            seen = b"".join(Path(f"/proc/{process.pid}/{part}").read_bytes() for part in ("cmdline", "environ"))
            found += [str(process)] if key.encode() in seen else []
    for words in (("check",), ("check", "--json"), ("status", "--json"), ("secret", "list", "--json")):
        done = workshop.koubou(*words)
        found += [" ".join(words)] if key in done.stdout + done.stderr else []
    return found


def test_a_key_that_is_set_while_the_workshop_runs_serves_at_once(workshop: Workshop, provider: Simulator) -> None:
    workshop.start()
    ask(workshop, "a")
    parked = workshop.wait_for_park("a", "tier")
    assert "koubou secret set openai" in json.dumps(parked)
    assert secret(workshop, "set", "openai", key=FIRST)["taken_over"] is True
    workshop.output("a")
    assert keys_used(provider) == [FIRST]
    assert places_where(FIRST, workshop) == []

    secret(workshop, "rm", "openai")
    ask(workshop, "b")
    workshop.wait_for_park("b", "tier")
    assert keys_used(provider) == [FIRST]


def test_a_key_is_rotated_while_tasks_run_and_none_of_them_notices(workshop: Workshop, provider: Simulator) -> None:
    secret(workshop, "set", "openai", key=FIRST)
    workshop.start()
    provider.behave(keys=[FIRST, SECOND], latency_ms=300)
    before = [f"before-{number}" for number in range(24)]
    ask(workshop, *before)
    workshop.wait_until(lambda: provider.bill()["in_flight"] >= 8, "calls to be under way")
    rotated = secret(workshop, "rotate", "openai", key=SECOND)
    assert (rotated["values"], rotated["taken_over"]) == (2, True)
    after = [f"after-{number}" for number in range(8)]
    ask(workshop, *after)
    workshop.wait_for_ends(len(before) + len(after))
    assert workshop.failed == set()
    assert provider.bill()["kinds"] == {}
    assert set(keys_used(provider)) == {FIRST, SECOND}
    assert keys_used(provider)[-1] == SECOND
    assert len(keys_used(provider)) == len(before) + len(after), "no call was made twice"

    # The provider stops taking the new key: one call finds out, and the old key serves its task and all that follow.
    provider.behave(keys=[FIRST], latency_ms=0)
    ask(workshop, "finds-out")
    workshop.output("finds-out")
    assert keys_used(provider)[-2:] == [SECOND, FIRST]
    later = [f"later-{number}" for number in range(8)]
    ask(workshop, *later)
    workshop.wait_for_ends(len(before) + len(after) + 1 + len(later))
    assert workshop.failed == set()
    assert keys_used(provider)[-8:] == [FIRST] * 8
    assert provider.bill()["wrong_keys"] == 1
    assert workshop.held() == {}
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]
    assert [places_where(key, workshop) for key in (FIRST, SECOND)] == [[], []]


def test_a_credential_of_the_service_goes_before_what_is_kept(workshop: Workshop, provider: Simulator) -> None:
    secret(workshop, "set", "openai", key=SECOND)
    credentials = workshop.folder / "credentials"
    credentials.mkdir()
    (credentials / "openai").write_text(FIRST)
    workshop.environment["CREDENTIALS_DIRECTORY"] = str(credentials)
    workshop.start()
    ask(workshop, "a")
    workshop.output("a")
    assert keys_used(provider) == [FIRST]


def test_a_workshop_whose_key_file_was_changed_says_so_and_goes_on_without_the_tier(workshop: Workshop) -> None:
    secret(workshop, "set", "openai", key=FIRST)
    (workshop.folder / "etc" / "secret.key").write_bytes(b"another key of just 32 bytes....")
    workshop.start()
    assert "this is not the key" in workshop.status()["tiers"]["cloud"]["unfit"]
    done = workshop.koubou("secret", "list")
    assert done.returncode == 78
    assert "backup" in done.stderr
