"""What a task file that came over the wire would cost. What it names is read with its owner's rights."""

from __future__ import annotations

from typing import Any

from koubou.views.draft import limits_of
from koubou.views.draft_of_wire import requests_of_body
from koubou.views.estimate import estimate_shape
from koubou.views.estimating import Estimating
from koubou.views.workshop import Workshop


def estimates(workshop: Workshop, body: bytes, *, is_json: bool, owner: int) -> list[dict[str, Any]]:
    """One for each document. Raises TaskFileError for what the intake would reject."""
    requests = requests_of_body(body, is_json, owner, limits_of(workshop.settings))
    estimating = Estimating(workshop, None)
    found = estimating.of_requests(requests, "the request", owner)
    return [estimate_shape(estimate, estimating.notes) for estimate in found]
