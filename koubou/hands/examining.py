"""A document's examination as the intake makes it: by the settings in force, and into the workspace of a program."""

from __future__ import annotations

from koubou.errors import TaskFileError
from koubou.folders.around import look_around
from koubou.folders.beneath import within
from koubou.folders.read import Drop
from koubou.model.task import Examination, NewTask, TaskRequest
from koubou.rules.classify import Detect
from koubou.rules.examine import examine
from koubou.rules.guardrails import refusal, refused_by
from koubou.rules.intake import new_task
from koubou.rules.limits import AGENTS
from koubou.wire.hand_messages import IntakeOrders


def new_tasks(drop: Drop, orders: IntakeOrders, detect: Detect) -> tuple[NewTask, ...]:
    """The tasks of a dropped file, as the master hears of them."""
    return tuple(
        new_task(
            document.request,
            examined(drop, number, orders, detect),
            claim=drop.claim.ulid,
            document=number,
            owner=drop.owner,
            digest=document.digest,
            source=document.source,
        )
        for number, document in enumerate(drop.documents, start=1)
    )


def examined(drop: Drop, number: int, orders: IntakeOrders, detect: Detect) -> Examination:
    """What a document of a file carries, counted from 1. Raises TaskFileError for what the settings refuse."""
    request = drop.documents[number - 1].request
    seen = examine(request, detect, orders.policy, owner=drop.owner, around=_around(request, orders))
    refused = refused_by(seen.findings, orders.policy)
    if refused is not None:
        which = f" of document {number}" if len(drop.documents) > 1 else ""
        raise TaskFileError("policy", refusal(refused, drop.claim.shown, which))
    return seen


def _around(request: TaskRequest, orders: IntakeOrders) -> list[tuple[str, str]]:
    """Names and beginnings of the files among which a program is to work."""
    works_there = request.executor.startswith(AGENTS) if request.executor else orders.agents
    if request.workspace is None or not works_there:
        return []
    ways = ((root, within(request.workspace, root)) for root in orders.roots)
    seen = next((look_around(root, way) for root, way in ways if way is not None), [])
    return [pair for place, name, begins in seen for pair in ((f"{place}.name", name), (place, begins))]
