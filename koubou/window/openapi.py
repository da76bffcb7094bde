"""The OpenAPI 3.1 document of the window, made of the routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from koubou.window.problems import TITLES

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details as of RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [f"urn:koubou:problem:{kind}" for kind in TITLES]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do, for people."},
        "class": {"type": "string", "description": "Of a task file: the kind of its rejection."},
        "problems": {"type": "array", "items": {"type": "object"}, "description": "Each mistake, where it is known."},
    },
    "example": {
        "type": "urn:koubou:problem:unknown_task",
        "title": "There is no such task",
        "status": 404,
        "detail": 'there is no task "fix-login-123"',
    },
}

_TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "kbu_<id>_<secret>"}


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            openapi_version="3.1.0",
        )
        components = made.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = _PROBLEM
        for name in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(name, None)
        components["securitySchemes"] = {"token": _TOKEN}
        made["security"] = [{"token": []}]
        app.openapi_schema = made
    return app.openapi_schema
