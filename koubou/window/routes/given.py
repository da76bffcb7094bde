"""Work that is given: task files, and what they would cost."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from koubou.model.access import Caller
from koubou.window.asked import Asked, may
from koubou.window.bodies import JSON, YAML, kind_of
from koubou.window.estimates import estimates
from koubou.window.once import once
from koubou.window.problems import USUAL, described
from koubou.window.shapes import Shape
from koubou.window.submitting import submit
from koubou.window.told import told

router = APIRouter(prefix="/api/v1", tags=["tasks"], responses=described(*USUAL, 408, 409, 415))
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A task file: `koubou schema` has all of its keys, docs/reference what they mean.",
        "content": {
            JSON: {"schema": {"type": "object"}, "example": {"id": "fix-login-123", "prompt": "What does this do?"}},
            YAML: {"schema": {"type": "string"}, "example": "prompt: What does this do?\npriority: high\n"},
        },
    }
}


class Taken(Shape):
    """The ids of its documents, in order, and what became of them: new, known or waiting."""

    ids: list[str]
    stands: str


class Estimates(Shape):
    """What each document would cost, as `koubou estimate --json` gives it."""

    estimates: list[dict[str, Any]]


@router.post(
    "/tasks",
    status_code=201,
    operation_id="submit",
    response_model=Taken,
    responses={
        200: {"model": Taken, "description": "The same was submitted before: nothing is done twice."},
        202: {"model": Taken, "description": "It is safe in the drop folder, and not on the board yet."},
    },
    summary="Submit a task file",
    openapi_extra=_FILE,
)
async def given(request: Request, window: Asked, caller: Annotated[Caller, Depends(may("submit"))]) -> Response:
    is_json = kind_of(request, JSON, YAML) == JSON
    body = await request.body()

    async def act(key: str | None) -> Response:
        done = await submit(window, caller, body, is_json=is_json, key=key)
        status, stands = {True: (201, "new"), False: (200, "known"), None: (202, "waiting")}[done.new]
        location = {"location": f"/api/v1/tasks/{done.ids[0]}"}
        return told({"id": done.ids[0], "ids": list(done.ids), "stands": stands}, status, location)

    return await once(window, caller, request, body, act)


@router.post(
    "/estimate",
    operation_id="estimate",
    response_model=Estimates,
    summary="What a task file would cost, on which tier, and whether it fits; nothing is submitted",
    openapi_extra=_FILE,
)
async def estimate(request: Request, window: Asked, caller: Annotated[Caller, Depends(may("estimate"))]) -> Response:
    is_json = kind_of(request, JSON, YAML) == JSON
    body = await request.body()
    estimating = partial(estimates, window.workshop, body, is_json=is_json, owner=caller.uid)
    found = await window.readers.estimates.do(caller.actor, estimating)
    return told({"estimates": json.loads(json.dumps(found))})
