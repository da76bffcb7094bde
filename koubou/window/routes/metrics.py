"""Metrics for Prometheus, and whether the workshop is alive and takes work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Depends, Response

from koubou.board.reading import Reading
from koubou.errors import BoardUnavailable
from koubou.views.words import now
from koubou.window.asked import Asked, may
from koubou.window.health import healthz, readyz
from koubou.window.metrics import exposition
from koubou.window.problems import USUAL, described
from koubou.window.told import told
from koubou.window.window import Window

router = APIRouter(tags=["operation"])
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_Judge = Callable[[Reading | None, Mapping[str, Any] | None], tuple[bool, Mapping[str, Any]]]


async def metrics(window: Asked) -> Response:
    """Read anew at each scrape; never a word of a task."""

    state = await window.state.look() or None
    return Response(await window.readers.ask(lambda board: exposition(board, state, now())), media_type=_TEXT)


for _path in ("/metrics", "/api/metrics"):
    router.add_api_route(
        _path,
        metrics,
        methods=["GET"],
        dependencies=[Depends(may("metrics"))],
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **described(*USUAL)},
        response_class=Response,
        operation_id=_path.strip("/").replace("/", "_"),
        summary="Metrics for Prometheus",
    )


async def _judged(window: Window, judge: _Judge) -> Response:
    state = await window.state.look() or None
    try:
        ok, answer = await window.readers.ask(lambda board: judge(board, state))
    except (BoardUnavailable, OSError):
        ok, answer = judge(None, state)
    return told(answer, 200 if ok else 503)


@router.get("/healthz", summary="Whether it is alive", responses={503: {"description": "It is not."}, **described(429)})
async def alive(window: Asked) -> Response:
    return await _judged(window, healthz)


@router.get(
    "/readyz",
    summary="Whether it takes work and does it",
    responses={503: {"description": "It does not."}, **described(429)},
)
async def ready(window: Asked) -> Response:
    return await _judged(window, readyz)
