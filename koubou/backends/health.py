"""Asks a server how it is, at no cost: a few times for the list of its models, by whoever looks after broken circuits.

As with every request of ours no proxy of the environment is used, and no redirect followed: both would carry the key.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from koubou.model.circuit import Health
from koubou.model.tier import Tier
from koubou.rules.model_list import LISTING, headers_of, models_address

if TYPE_CHECKING:
    from requests import Response, Session

TIMES = 3
SLOWEST = 2.0
"""Seconds for one request; with so few of them, one that fails is more than a tenth."""
MISSING = "its server does not have the model"
"""What is wrong where the list of models lacks the tier's; of interest only where that was what went wrong."""
_LARGEST = 4_000_000
_PIECE = 64 * 1024


def ask_health(tier: Tier, api_key: str | None, *, needs_model: bool = False) -> Health:
    """How the server of a tier is; what cannot be asked counts as well, and the next task will tell. Blocks.

    With `needs_model` its list of models must name the tier's. Lists leave out what is served all the same, so that
    this is asked only where a missing model was the matter.
    """
    import requests  # late: 0.1 s that a healthy workshop need not pay
    from urllib3.exceptions import HTTPError

    if not tier.base_url or tier.executor not in LISTING:
        return Health(well=True, reason="it cannot be asked; the next task tells")
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(headers_of(tier, api_key))
        for _ in range(TIMES):
            began = time.monotonic()
            try:
                problem = _ask(session, tier, needs_model=needs_model)
            except (requests.RequestException, HTTPError, ValueError, OSError) as error:
                problem = _word(error)
            took = time.monotonic() - began
            if problem is None and took >= SLOWEST:
                problem = f"it took {took:.1f} s to say how it is"
            if problem is not None:
                return Health(well=False, reason=problem)
    return Health(well=True, reason="it says that it is well")


def _ask(session: Session, tier: Tier, *, needs_model: bool) -> str | None:
    """What is wrong, or None."""
    with session.get(models_address(tier), timeout=SLOWEST, allow_redirects=False, stream=True) as response:
        body = _read(response, time.monotonic() + SLOWEST)
    if response.status_code in (401, 403):
        return "the provider does not accept the key"
    if response.status_code >= 500 or response.status_code in (408, 429):
        return f"its server answers with status {response.status_code}"
    if 300 <= response.status_code < 400:
        return "its server sends elsewhere"
    if needs_model and response.status_code == 200 and (names := _names(body)) and not _is_named(tier.model, names):
        return MISSING
    return None  # also where it keeps no list: the next task tells


def _read(response: Response, end: float) -> bytes:
    """What it says; one that says a letter now and then must not keep us."""
    pieces, size = [], 0
    while size <= _LARGEST and (piece := response.raw.read1(_PIECE, decode_content=True)):
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > end:
            raise TimeoutError
    return b"".join(pieces)


def _names(body: bytes) -> set[str]:
    """The models of the list; empty where that is none. Anthropic and OpenAI name them `id`."""
    try:
        listed: Any = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    entries = listed.get("data") if isinstance(listed, dict) else None
    ids = [entry.get("id") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {name for name in ids if isinstance(name, str) and name}


def _is_named(model: str, names: set[str]) -> bool:
    """Whether one contains the other: lists say models/x, org/x, x:8b or x-2025-08-07 of what is asked for as x."""
    model = model.casefold()
    return any(model in name or name in model for name in map(str.casefold, names))


def _word(error: Exception) -> str:
    kind = type(error).__name__
    return "no connection to its server" if "Connection" in kind else f"its server does not answer ({kind})"
