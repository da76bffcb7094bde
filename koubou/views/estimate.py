"""What a document would cost, in the shape of `koubou estimate --json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from koubou.model.money import usd
from koubou.views.estimating import Estimate


def estimate_shape(estimate: Estimate, notes: Sequence[str]) -> dict[str, Any]:
    """One document's; `notes` are what every estimate takes for granted."""
    call = estimate.call
    return {
        "file": estimate.file,
        "document": estimate.document,
        "id": estimate.id,
        "title": estimate.title,
        "type": estimate.type,
        "difficulty": estimate.difficulty,
        "score": estimate.score,
        "sensitivity": estimate.sensitivity,
        "route": [asdict(reason) for reason in estimate.route],
        "tier": None if call is None else call.tier.name,
        "model": None if call is None else call.tier.model,
        "operation": None if call is None or call.operation is None else asdict(call.operation),
        "estimated": None if call is None else _tokens(call.usage.input_tokens, call.usage.output_tokens, call.cost),
        "hold": None if call is None else _tokens(call.hold.tokens - call.cap, call.cap, call.hold.usd),
        "fits": estimate.fits,
        "verdict": estimate.verdict,
        "how_many_fit": None if call is None else call.how_many,
        "room": [] if call is None else [_room(room) for room in call.rooms],
        "notes": [*notes, *estimate.notes],
    }


def _tokens(read: int, written: int, amount: int) -> dict[str, Any]:
    tokens = {"input_tokens": read, "output_tokens": written, "tokens": read + written}
    return {**tokens, "cost_usd": usd(amount), "cost_nusd": amount}


def _room(room: Any) -> dict[str, Any]:
    in_usd = room.dimension == "usd"
    left = {"left_usd": usd(room.left), "left_nusd": room.left} if in_usd else {"left": room.left}
    return {"account": room.account, "dimension": room.dimension, **left, "fit": room.fit}
