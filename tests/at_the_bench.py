"""A workshop with agents at the bench: tiers of the real programs, a workspace to work on, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from simulator import Simulator
from workshop import API_KEY, Workshop, a_tier

from koubou.config.programs import native
from koubou.sandbox.preflight import why_not

CODEX_MODEL, CLAUDE_MODEL = "gpt-codex", "claude-sonnet-4-5"
MODELS: Mapping[str, str] = {"codex": CODEX_MODEL, "claude": CLAUDE_MODEL}
PRICES = {model: {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75} for model in MODELS.values()}
BOTH = ("codex", "claude")
DOLLAR = 1_000_000_000
READ_ME = "The first line.\n"


def needs_the_bench() -> pytest.MarkDecorator:
    """Skips where the programs or the sandbox are missing."""
    missing = [name for name in BOTH if native(name, os.environ) is None]
    why = f"scripts/agents has not installed {', '.join(missing)}" if missing else why_not()
    return pytest.mark.skipif(why is not None, reason=why or "")


def an_agents_tier(provider: Simulator, executor: str, **changes: Any) -> dict[str, Any]:
    """A cloud tier of this agent that the provider answers."""
    wide: dict[str, Any] = {
        "executor": executor,
        "provider": "anthropic" if executor == "claude" else "openai",
        "price": PRICES[MODELS[executor]],
        "max_output_tokens": 2_000,
        "timeout": "2m",
        "concurrency": 4,
        "retries": 0,
        "workers": {"min": 0, "max": 1},
    }
    return {**a_tier(provider, "cloud", MODELS[executor]), **wide, **changes}


@contextmanager
def a_bench(**changes: Any) -> Iterator[Workshop]:
    """A workshop whose two agents are answered by a simulator of their own; `workspace` is what they may work on."""
    with (
        tempfile.TemporaryDirectory(prefix="kb-ws-", dir="/var/tmp") as root,
        Simulator(PRICES, key=API_KEY) as provider,
    ):
        tiers = {name: an_agents_tier(provider, name, **changes.pop(name, {})) for name in BOTH}
        tiers["both"] = {"executor": "hybrid", "of": list(BOTH), "join": "first", "retries": 0}
        tiers["tested"] = {**tiers["both"], "join": "pick", "test": ["test", "-f", "made.txt"]}
        tiers["local"] = a_tier(provider, "house", "house-model", api_key={"env": "PROVIDER_KEY"})
        settings: dict[str, Any] = {
            "tiers": tiers,
            "routing": {"high": "codex", "medium": "codex", "low": "local"},
            "security": {"allowed_workspaces": [root]},
        }
        with Workshop(provider, **settings | changes) as workshop:
            a_workspace(workshop)
            yield workshop


def a_workspace(workshop: Workshop, name: str = "project") -> Path:
    """A folder that agents may work on, with a file in it."""
    (root,) = workshop.settings["security"]["allowed_workspaces"]
    folder = Path(root) / name
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(READ_ME)
    return folder


def ask_for(workshop: Workshop, task: str, agent: str, **asked: Any) -> None:
    """Drop a task for an agent in a workspace of its own."""
    folder = asked.pop("workspace", None) or a_workspace(workshop, task)
    document = {"id": task, "prompt": f"I am {task}.", "tier": agent, "type": "general", "workspace": str(folder)}
    workshop.drop(f"{task}.yaml", document | asked)


def output_of(workshop: Workshop, task: str) -> dict[str, Any]:
    """What was filed of a completed task."""
    found: dict[str, Any] = json.loads((workshop.home / "tasks/completed" / task / "output.json").read_text())
    return found


def error_of(workshop: Workshop, task: str) -> dict[str, Any]:
    """Why a task failed."""
    found: dict[str, Any] = json.loads((workshop.home / "tasks/failed" / task / "error.json").read_text())["error"]
    return found


def patched(workshop: Workshop, task: str) -> dict[str, str]:
    """The files of the task's workspace, by name, once its patch has been applied to it as a person would."""
    told = output_of(workshop, task)
    patch = workshop.home / "tasks/completed" / task / told["changes"]["patch"]
    (root,) = workshop.settings["security"]["allowed_workspaces"]
    folder = Path(root) / task
    subprocess.run(["git", "apply", str(patch)], cwd=folder, check=True, capture_output=True)
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def the_ledger_is_the_bill(workshop: Workshop) -> None:
    """To the token, and nothing is held any more."""
    workshop.wait_until(lambda: not workshop.held(), "nothing to be held")
    assert workshop.month()["settled_nusd"] == workshop.provider.bill()["nusd"]


def the_key_is_nowhere(workshop: Workshop) -> None:
    """In no file of the workshop, and in no word of its journal."""
    needle = API_KEY.encode()
    found = [path for path in workshop.home.rglob("*") if path.is_file() and needle in path.read_bytes()]
    assert not found, found
    assert API_KEY not in json.dumps(workshop.lines)
