"""Tasks: which there are, how one stands and why, its answer as far as it came, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from koubou.board.filter import Filter
from koubou.board.reading import Reading
from koubou.board.shapes import shown, task_shape, without_text
from koubou.errors import NotAllowed
from koubou.model.access import Caller, Scope
from koubou.model.status import ENDS, ParkReason, Status
from koubou.model.task import TYPES, Task
from koubou.rules.access import reach_of
from koubou.views.ages import time_of
from koubou.views.answers import record_of
from koubou.views.explain import explained, explained_shape
from koubou.views.log import answering, written
from koubou.views.show import whole
from koubou.views.words import now
from koubou.window import shapes
from koubou.window.asked import Asked, may, task_for
from koubou.window.growing import growing
from koubou.window.problems import USUAL, Trouble, described
from koubou.window.streams import EVENT_STREAM, STREAM_HEADERS, wants_stream
from koubou.window.told import as_json, may_read, reads_all, seen_by, told

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], responses=described(*USUAL))
_MOST = 10_000
_AT_ONCE = 100

TaskId = Annotated[
    str, Path(max_length=200, description="The task's id, whatever its case.", examples=["fix-login-123"])
]
_Words = Query(max_length=50)


@router.get("", response_model=shapes.TaskPage, summary="The tasks, the newest first")
async def tasks(
    window: Asked,
    caller: Annotated[Caller, Depends(may("list"))],
    status: Annotated[list[Status] | None, _Words] = None,
    park: Annotated[list[ParkReason] | None, _Words] = None,
    tier: Annotated[list[str] | None, _Words] = None,
    type: Annotated[list[str] | None, Query(max_length=50, examples=[list(TYPES[:1])])] = None,  # noqa: A002
    session: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[str | None, Query(max_length=40, description="An age such as 2h, or an ISO 8601 time.")] = None,
    older: Annotated[str | None, Query(max_length=40, description="The same, for longer ago.")] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _AT_ONCE,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of the page before.")] = None,
) -> Response:
    wanted = Filter(
        status=status or (),
        park=park or (),
        tier=tier or (),
        type=type or (),
        session=session,
        since=time_of("since", since, now()),
        older=time_of("older", older, now()),
        owner=caller.uid if reach_of(caller, "list") is Scope.OWN else None,
        before=int(cursor) if cursor else None,
    )

    def page(board: Reading) -> bytes:
        found = board.browsing.listed(wanted, limit)
        rest = str(found[-1].seq) if len(found) == limit else None
        # Asking for a session by its name must not tell whose words hold that name.
        told_of = found if session is None else [task for task in found if may_read(caller, task)]
        if reads_all(caller):
            return as_json({"tasks": [task_shape(task) for task in told_of], "next": rest})
        return as_json({"tasks": [seen_by(caller, task, task_shape(task)) for task in told_of], "next": rest})

    return Response(await window.readers.ask(page), media_type="application/json")


@router.get("/{task_id}", response_model=shapes.WholeTask, responses=described(404), summary="One task, its history")
async def show(window: Asked, caller: Annotated[Caller, Depends(may("show"))], task_id: TaskId) -> Response:
    task, shape = await window.readers.ask(lambda board: _shown(board, caller, "show", task_id))
    said = (await window.snapshot.status()).said
    return told(await window.readers.run(lambda: seen_by(caller, task, whole(window.workshop, shape, said))))


@router.get("/{task_id}/explain", response_model=shapes.Why, responses=described(404), summary="Why it is where it is")
async def explain(window: Asked, caller: Annotated[Caller, Depends(may("explain"))], task_id: TaskId) -> Response:
    said = (await window.snapshot.status()).said

    def why(board: Reading) -> Mapping[str, Any]:
        task = task_for(caller, "explain", board, task_id)
        shape = explained_shape(explained(window.workshop, board, task, said, caller))
        return shape if may_read(caller, task) else _without_words(shape)

    return told(await window.readers.ask(why))


@router.get(
    "/{task_id}/log",
    response_model=shapes.Log,
    responses={
        200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}},
        **described(404),
    },
    summary="The answer as far as it came; with Accept: text/event-stream as it grows",
)
async def log(
    request: Request,
    window: Asked,
    caller: Annotated[Caller, Depends(may("show"))],
    task_id: TaskId,
    run: Annotated[
        int | None, Query(ge=1, le=1_000_000, description="Which run; the answering one if not said.")
    ] = None,
) -> Response:
    task, shape = await window.readers.ask(lambda board: _shown(board, caller, "show", task_id))
    _check_words(caller, task)
    if wants_stream(request):
        return StreamingResponse(growing(request, window, task), media_type=EVENT_STREAM, headers=STREAM_HEADERS)
    if run is not None and run not in {each["run"] for each in shape["runs"]}:
        raise Trouble(404, "not_found", f"{task.id} has no run {run}")
    number = answering(shape) if run is None else run
    _, text, record = await window.readers.run(lambda: written(window.workshop, shape, number))
    # How an answer came is for operators: its submitter gets the answer.
    record = record if reach_of(caller, "read") is Scope.ALL else None
    return told({"task": task.id, "run": number, "text": text, "record": record})


@router.get("/{task_id}/result", response_model=shapes.Result, responses=described(404, 409), summary="How it ended")
async def result(window: Asked, caller: Annotated[Caller, Depends(may("show"))], task_id: TaskId) -> Response:
    task = await window.readers.ask(lambda board: task_for(caller, "show", board, task_id))
    _check_words(caller, task)
    if task.status not in ENDS:
        raise Trouble(409, "not_ended", f"{task.id} is {task.status}: follow events, or ask again")
    return told(await window.readers.run(lambda: record_of(window.workshop, task.id, task.status)))


def _shown(board: Reading, caller: Caller, verb: str, task_id: str) -> tuple[Task, dict[str, Any]]:
    with board.picture():
        task = task_for(caller, verb, board, task_id)
        return task, shown(board, task)[0]


def _check_words(caller: Caller, task: Task) -> None:
    if not may_read(caller, task):
        raise NotAllowed("the words of a confidential task are for its submitter and for operators")


def _without_words(why: Mapping[str, Any]) -> dict[str, Any]:
    """For who may not read what the task says: nothing that quotes it, or what people wrote of it."""
    findings = {
        name: [{key: value for key, value in each.items() if key not in ("sample", "where")} for each in why[name]]
        for name in ("findings", "guardrails")
    }
    released = [{**line, "reason": ""} for line in why["released"]]
    return {**without_text(why), **findings, "released": released, "waits_for": [], "now": []}
