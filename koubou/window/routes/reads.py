"""How the workshop stands: status, tiers, workers, money, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from koubou.board.reading import Reading
from koubou.errors import NotAllowed
from koubou.model.access import Caller, Scope
from koubou.rules.access import reach_of
from koubou.views.me import me_shape
from koubou.views.report import report_shape
from koubou.views.span import span_of
from koubou.views.standing import standing, standing_shape
from koubou.views.words import now
from koubou.views.workers import measured, seen_now, workers_shape
from koubou.window import shapes
from koubou.window.asked import Asked, Asking, may
from koubou.window.problems import USUAL, described
from koubou.window.told import SESSION, reads_all, told
from koubou.window.window import Window

router = APIRouter(prefix="/api/v1", tags=["workshop"], responses=described(*USUAL))
_MONTHS = r"^\d{4}-\d{2}$"


@router.get("/me", response_model=shapes.Me, summary="Who asks, and what he may do")
async def me(caller: Asking) -> Response:
    return told(me_shape(caller))


async def status(window: Asked, caller: Annotated[Caller, Depends(may("status"))]) -> Response:
    """The same as `koubou status --json`, looked at four times a second at most, and never older than a second.

    Who may not see how the accounts stand gets none, and of what is stopped not why.
    """
    seen = await window.snapshot.status()
    sees_money = reach_of(caller, "budget") is Scope.ALL
    return Response(seen.whole if sees_money else seen.for_submitters, media_type="application/json")


_STATUS: dict[str, Any] = {"response_model": shapes.StatusShape, "summary": "How the workshop stands"}
router.add_api_route("/status", status, methods=["GET"], **_STATUS)
plain = APIRouter(prefix="/api", tags=["workshop"], responses=described(*USUAL))
plain.add_api_route("/status", status, methods=["GET"], operation_id="status_of_the_specification", **_STATUS)


@router.get(
    "/tiers",
    dependencies=[Depends(may("tiers"))],
    response_model=shapes.Tiers,
    summary="The tiers: what serves them, and what keeps each",
)
async def tiers(window: Asked) -> Response:
    seen = await window.snapshot.status()
    settings = await window.readers.run(lambda: window.workshop.settings.tiers)
    facts = {
        name: {
            "reach": tier.reach,
            "provider": tier.provider,
            "model": tier.model,
            "executor": tier.executor,
        }
        for name, tier in settings.items()
    }
    return told({"tiers": {name: {**facts.get(name, {}), **shape} for name, shape in seen.shape["tiers"].items()}})


@router.get("/workers", dependencies=[Depends(may("workers"))], response_model=shapes.Workers, summary="Who is at work")
async def workers(
    window: Asked,
    everybody: Annotated[bool, Query(alias="all", description="Also those that ended within the last day.")] = False,
) -> Response:
    seen = await window.readers.ask(lambda board: seen_now(window.workshop, board, everybody=everybody))
    uses = await window.readers.run(lambda: measured(seen))
    return told({"workers": workers_shape(seen, uses)})


@router.get("/budget", response_model=shapes.Budget, summary="How the money stands")
async def budget(
    window: Asked,
    caller: Annotated[Caller, Depends(may("budget"))],
    account: Annotated[
        str | None,
        Query(max_length=200, description="Only accounts of this name or kind, such as task or month:2026-*"),
    ] = None,
) -> Response:
    found = await window.readers.ask(lambda board: _budget(window, board, account))
    return told(found if reads_all(caller) else _without_sessions(found))


@router.get(
    "/budget/report",
    response_model=shapes.Report,
    summary="What was spent on what",
)
async def report(
    window: Asked,
    caller: Annotated[Caller, Depends(may("reports"))],
    by: Literal["operation", "tier", "model", "task", "session", "submitter", "day", "backend"] = "operation",
    month: Annotated[str | None, Query(pattern=_MONTHS, description="This month when no time is given.")] = None,
    since: Annotated[str | None, Query(max_length=40, description="A day, a time, or an age such as 7d.")] = None,
    until: Annotated[str | None, Query(max_length=40, description="Through a day, or before a time.")] = None,
) -> Response:
    if by == "session" and not reads_all(caller):
        raise NotAllowed("sessions are named by those who submit: a report by session is for operators")

    def asked(board: Reading) -> dict[str, Any]:
        zone = window.workshop.timezone
        span = span_of(now(), zone, month=month, since=since, until=until)
        with board.picture():
            return report_shape(board, by, span, zone)

    return told(await window.readers.ask(asked))


def _budget(window: Window, board: Reading, account: str | None) -> dict[str, Any]:
    with board.picture():
        found = standing(board, now(), window.workshop.timezone)
        return standing_shape(found, board.limits_by_hand(), account)


def _without_sessions(found: Mapping[str, Any]) -> dict[str, Any]:
    """For who may not read all tasks: their submitters have named the sessions."""
    accounts = [each for each in found["accounts"] if not each["name"].startswith(SESSION)]
    by_hand = [each for each in found["by_hand"] if not each["scope"].startswith(SESSION)]
    return {**found, "accounts": accounts, "by_hand": by_hand}
