"""The application: its routes, the door before them, and what it answers when something is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from koubou import __version__
from koubou.errors import KoubouError
from koubou.window.door import Door
from koubou.window.openapi import document
from koubou.window.problems import Trouble, answer, trouble_of
from koubou.window.routes import changes, events, given, metrics, page, reads, tasks
from koubou.window.told import as_json
from koubou.window.window import Window

_ABOUT = (
    "The API of Koubou's window. Reads come from the board; changes go to the master, who alone writes. "
    "Every path under /api/v1 needs a bearer token, unless the settings open it to this machine."
)

_ROUTERS = (
    reads.router,
    reads.plain,
    tasks.router,
    given.router,
    changes.router,
    events.router,
    metrics.router,
    page.router,
)
_SAID = {
    404: "there is no such path; GET /api/openapi.json lists those there are",
    405: "this path does not know this method; GET /api/openapi.json says which it knows",
}


def application(window: Window) -> FastAPI:
    """The application of one window; it closes the window when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await window.close()

    app = FastAPI(
        title="Koubou",
        version=__version__,
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.state.window = window
    for router in _ROUTERS:
        app.include_router(router)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.add_api_route("/api/openapi.json", _documented(app), include_in_schema=False)
    app.add_exception_handler(Trouble, _trouble)
    app.add_exception_handler(KoubouError, _koubou_error)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(WebSocketRequestValidationError, _not_valid_for_socket)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)
    app.add_middleware(Door, window=window)
    return app


def _documented(app: FastAPI) -> Callable[[], Awaitable[Response]]:
    """Who asks for the document gets the same bytes each time: it is large, and needs no token."""

    @cache
    def documented() -> bytes:
        return as_json(app.openapi())

    async def answered() -> Response:
        return Response(documented(), media_type="application/json")

    return answered


async def _trouble(connection: Request | WebSocket, error: Exception) -> JSONResponse:
    assert isinstance(error, Trouble)  # noqa: S101 - for the type checker
    response = answer(error)
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(response)
    return response


async def _not_valid_for_socket(socket: WebSocket, error: Exception) -> JSONResponse:
    assert isinstance(error, WebSocketRequestValidationError)  # noqa: S101 - for the type checker
    return await _trouble(socket, Trouble(422, "unprocessable", "after is the number of a line"))


async def _koubou_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, KoubouError)  # noqa: S101 - for the type checker
    return answer(trouble_of(error))


async def _not_valid(_: Request, error: Exception) -> JSONResponse:
    """Which words of the request are wrong; what stood there is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - for the type checker
    mistakes = [{"where": [str(part) for part in each["loc"]], "message": each["msg"]} for each in error.errors()[:100]]
    detail = f"{'.'.join(mistakes[0]['where'])}: {mistakes[0]['message']}"
    return answer(Trouble(422, "unprocessable", detail, more={"problems": mistakes}))


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    kind = {404: "not_found", 405: "no_such_method", 400: "bad_request"}.get(error.status_code, "bad_request")
    detail = _SAID.get(error.status_code, str(error.detail))
    return answer(Trouble(error.status_code, kind, detail, headers=error.headers))


async def _bug(_: Request, error: Exception) -> JSONResponse:
    return answer(Trouble(500, "bug", f"a bug: {type(error).__name__}; please report it"))
