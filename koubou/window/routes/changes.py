"""Changes of tasks, of what is begun, and of money. The master makes them; his word is the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from koubou.model.access import Caller
from koubou.model.money import USD
from koubou.views.scopes import account_named, scope_named
from koubou.window import bodies
from koubou.window.asked import Asked, Asking, may
from koubou.window.changes import change, change_task
from koubou.window.once import once
from koubou.window.problems import USUAL, Trouble, described
from koubou.window.routes.tasks import TaskId
from koubou.window.shapes import Shape
from koubou.window.told import told

router = APIRouter(prefix="/api/v1", responses=described(*USUAL, 408, 409, 415))


class Changed(Shape):
    """What became of the task."""

    id: str
    message: str


def _of_task(
    verb: str, model: type[bodies.Body], summary: str, *, required: bool = False, once_only: bool = False
) -> None:
    async def changing(request: Request, window: Asked, caller: Asking, task_id: TaskId) -> Response:
        body = await _body(request)
        said = bodies.read(model, body).model_dump(exclude_none=True)

        async def act(key: str | None) -> Response:
            if once_only and key is not None:
                await window.readers.run(lambda: window.keys.mark(key))
            return told(await change_task(window, caller, verb, task_id, **said))

        return await once(window, caller, request, body, act)

    router.add_api_route(
        f"/tasks/{{task_id}}/{verb}",
        changing,
        methods=["POST"],
        dependencies=[Depends(may(verb))],
        tags=["tasks"],
        operation_id=f"{verb}_task",
        summary=summary,
        response_model=Changed,
        responses=described(404),
        openapi_extra=bodies.in_openapi(model, required=required),
    )


_of_task("cancel", bodies.Nothing, "End a task without an answer")
_of_task("retry", bodies.Nothing, "Have a task tried again", once_only=True)
_of_task("finish", bodies.Nothing, "File what there is of an answer, and end the task")
_of_task("priority", bodies.Priority, "Make a task that waits more urgent, or less", required=True)
_of_task("rate", bodies.Rating, "Say whether an answer is good", required=True)


def _of_workshop(
    path: str,
    verb: str,
    model: type[bodies.Body],
    summary: str,
    words: Callable[[Any], dict[str, Any]] = lambda said: said.model_dump(exclude_none=True),
    *,
    once_only: bool = False,
) -> None:
    async def changing(request: Request, window: Asked, caller: Asking) -> Response:
        body = await _body(request)
        said = words(bodies.read(model, body))

        async def act(key: str | None) -> Response:
            if once_only and key is not None:
                await window.readers.run(lambda: window.keys.mark(key))
            return told(await change(window, caller, "pause" if verb == "drain" else verb, **said))

        return await once(window, caller, request, body, act)

    router.add_api_route(
        path,
        changing,
        methods=["POST"],
        dependencies=[Depends(may(verb))],
        tags=["budget" if "budget" in path else "workshop"],
        operation_id=path.strip("/").replace("/", "_"),
        summary=summary,
        response_model=Shape,
        openapi_extra=bodies.in_openapi(model, required=bool(model.model_json_schema().get("required"))),
    )


def _amount(said: bodies.Money) -> int | None:
    """Nano-dollars, milliseconds, or a count. Raises Trouble (422)."""
    if said.dimension == "usd":
        if said.amount is not None:
            raise Trouble(422, "unprocessable", "amount: of the dimension usd, give usd")
        return None if said.usd is None else round(said.usd * USD)
    if said.usd is not None:
        raise Trouble(422, "unprocessable", f"usd: of the dimension {said.dimension}, give amount")
    return said.amount


def _set(said: bodies.BudgetSet) -> dict[str, Any]:
    amount: int | str | None = "default" if said.default else _amount(said)
    scope = scope_named(said.scope)
    return {"scope": scope, "dimension": said.dimension, "amount": amount, "reason": said.reason}


def _add(said: bodies.BudgetAdd) -> dict[str, Any]:
    amount, account = _amount(said), account_named(said.account)
    return {"account": account, "dimension": said.dimension, "amount": amount or 0, "reason": said.reason}


_of_workshop("/pause", "pause", bodies.Where, "Begin nothing new, in a tier or anywhere")
_of_workshop("/resume", "resume", bodies.Where, "Let go on what was paused or set aside")
_of_workshop("/drain", "drain", bodies.Reasoned, "Begin nothing new; at_work says how many calls are still under way")
_of_workshop("/emergency", "latch", bodies.Why, "Stop everything until a guardian says otherwise")
_of_workshop("/budget/resume", "resume_budget", bodies.Why, "End an emergency stop")
_of_workshop("/budget/set", "budget_set", bodies.BudgetSet, "Another limit in place of the settings'", _set)
_of_workshop("/budget/add", "budget_add", bodies.BudgetAdd, "More for one account", _add, once_only=True)


@router.post(
    "/tasks/{task_id}/release",
    tags=["tasks"],
    operation_id="release_task",
    summary="Say, by name and with a reason, that a task is no secret",
    response_model=Shape,
    responses=described(404),
    openapi_extra=bodies.in_openapi(bodies.Release),
)
async def release(
    request: Request, window: Asked, caller: Annotated[Caller, Depends(may("release"))], task_id: TaskId
) -> Response:
    body = await _body(request)
    said = bodies.read(bodies.Release, body)

    async def act(_: str | None) -> Response:
        return told(await change(window, caller, "release", id=task_id, to=said.to, reason=said.reason))

    return await once(window, caller, request, body, act)


async def _body(request: Request) -> bytes:
    bodies.kind_of(request, bodies.JSON)
    return await request.body()
