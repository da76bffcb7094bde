"""Where the workshop is, read without checking the settings: that takes longer than all that a reading verb does.

Only for the simplest and commonest way to set it up, which is one file. Everything else is None: ask `config.load`.
Whether the settings are right is for `koubou check` and the master to say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from koubou.config import defaults
from koubou.documents.problems import BadDocument
from koubou.documents.reading import Limits, read_documents
from koubou.rules.limits import AGENTS
from koubou.rules.suited import IN_A_FOLDER

_LIMITS = Limits(size=1_000_000)


class Quick(Struct, frozen=True, kw_only=True):
    """The home, how many calls each tier's whole crew can run at once, and where months and days begin.

    `without_sandbox` are the tiers whose agents have none.
    """

    home: str
    places: Mapping[str, int]
    without_sandbox: Sequence[str] = ()
    timezone: str = "UTC"


def look(config: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str]) -> Quick | None:
    """What the one file of settings says; None where there are more sources, or where it is not plain."""
    others = [name for name in environ if name.startswith("KOUBOU_") and name != "KOUBOU_CONFIG"]
    named = environ.get("KOUBOU_CONFIG")
    file = config or (Path(named) if named else defaults.SYSTEM_FILE)
    if others or overrides or any((file.parent / "conf.d").glob("*.yaml")):
        return None
    try:
        documents = read_documents(file.read_bytes(), name=str(file), limits=_LIMITS)
    except (OSError, BadDocument):
        return None
    value = documents[0].value if len(documents) == 1 else None
    home = value.get("home") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(home, str) or not os.path.isabs(home):
        return None
    tiers = value.get("tiers", defaults.TIERS)
    if not isinstance(tiers, Mapping) or not all(isinstance(tier, Mapping) for tier in tiers.values()):
        return None
    budget = value.get("budget")
    timezone = budget.get("timezone", "UTC") if isinstance(budget, Mapping) else "UTC"
    if not isinstance(timezone, str):
        return None
    return Quick(
        home=home,
        places={str(name): _places(tier) for name, tier in tiers.items()},
        without_sandbox=[
            str(name) for name, tier in tiers.items() if is_open(tier.get("executor"), tier.get("sandbox"))
        ],
        timezone=timezone,
    )


def places_of(
    reach: object, executor: object, workers_min: int, workers_max: int | None, concurrency: int | None
) -> int:
    """Calls at once of a tier's whole crew, with the numbers that hold where the settings leave them out."""
    local = reach == "local"
    return max(workers_min, workers_max or (1 if local else 2)) * (
        concurrency or (2 if local or executor in IN_A_FOLDER else 16)
    )


def is_open(executor: object, sandbox: object) -> bool:
    """Whether a tier's agent runs without a sandbox, by what the settings say of both."""
    return str(executor or "").startswith(AGENTS) and sandbox in ("none", "off", False)


def _places(tier: Mapping[str, Any]) -> int:
    workers = tier.get("workers")
    crew = workers if isinstance(workers, Mapping) else {}
    most, concurrency = _number(crew.get("max")), _number(tier.get("concurrency"))
    return places_of(tier.get("reach"), tier.get("executor"), _number(crew.get("min")) or 0, most, concurrency)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
