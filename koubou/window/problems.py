"""What is answered when something is wrong: problem details (RFC 9457), made of the errors that every room raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse

from koubou import errors

MEDIA_TYPE = "application/problem+json"
_URN = "urn:koubou:problem:"


class Trouble(Exception):
    """Why a request is not answered as it wished; `kind` is for programs, `detail` for people."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})


TITLES: Mapping[str, str] = {
    "bad_request": "The request is not understood",
    "no_token": "A token is needed",
    "not_allowed": "Not allowed",
    "not_found": "There is nothing here",
    "unknown_task": "There is no such task",
    "no_such_method": "This path does not know this method",
    "slow": "The request took too long to arrive",
    "not_ended": "The task has not ended",
    "illegal_move": "This cannot be done to it now",
    "too_large": "The request is too large",
    "no_such_type": "This kind of content is not read here",
    "unprocessable": "The request says something that is not so",
    "task_file": "The task file is rejected",
    "key_used": "The Idempotency-Key was used for another request",
    "unclear": "Whether it was done is not known",
    "wrong_host": "This name is not ours",
    "too_many": "Too many requests",
    "bug": "A bug",
    "unavailable": "Not available now",
}
"""What each kind of trouble is called."""

_ANSWERS: tuple[tuple[type[errors.KoubouError], int, str], ...] = (
    (errors.UnknownTask, 404, "unknown_task"),
    (errors.NotAllowed, 403, "not_allowed"),
    (errors.UsageMistake, 422, "unprocessable"),
    (errors.IllegalMove, 409, "illegal_move"),
    (errors.NoMaster, 503, "unavailable"),
    (errors.BoardUnavailable, 503, "unavailable"),
    (errors.SettingsError, 503, "unavailable"),
    (errors.KoubouError, 503, "unavailable"),
)


def trouble_of(error: errors.KoubouError) -> Trouble:
    """What an error of another room is to who asks over HTTP."""
    if isinstance(error, errors.TaskFileError):
        problems = [problem_shape(problem) for problem in (error.problem, *error.others)]
        return Trouble(422, "task_file", str(error), more={"class": error.kind, "problems": problems})
    status, kind = next((status, kind) for known, status, kind in _ANSWERS if isinstance(error, known))
    return Trouble(status, kind, str(error), headers={"retry-after": "2"} if status == 503 else None)


def problem_shape(problem: errors.Problem) -> dict[str, Any]:
    """One mistake in a task file: where, what, and what is like it."""
    names = ("message", "line", "column", "key", "nearest")
    return {name: getattr(problem, name) for name in names}


def answer(trouble: Trouble) -> JSONResponse:
    """The response that tells of it."""
    body = {
        "type": f"{_URN}{trouble.kind}",
        "title": TITLES[trouble.kind],
        "status": trouble.status,
        "detail": trouble.detail,
        **trouble.more,
    }
    return JSONResponse(body, trouble.status, trouble.headers, media_type=MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: that a route may answer so."""
    return {status: {"description": _SAID[status], "content": _CONTENT} for status in statuses}


_CONTENT: Mapping[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_SAID: Mapping[int, str] = {
    400: "The request is not understood.",
    401: "A token is needed, or this one opens nothing.",
    403: "The caller's role does not reach so far.",
    404: "There is no such thing, or it is not the caller's.",
    408: "The request took too long to arrive.",
    409: "It cannot be done now.",
    413: "The request is too large.",
    415: "This kind of content is not read here.",
    421: "This name is not ours.",
    422: "The request says something that is not so.",
    429: "Too many requests: try again after Retry-After.",
    503: "The board or the master cannot be reached now: try again.",
}
USUAL: Sequence[int] = (400, 401, 403, 413, 421, 422, 429, 503)
"""What every path of the API may answer."""
