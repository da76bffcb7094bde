"""The page: files that lie beside this program, the same for everybody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

from fastapi import APIRouter, Response

from koubou.window.problems import Trouble

router = APIRouter(include_in_schema=False)
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
        ".woff2": "font/woff2",
        ".json": "application/json",
    }
)
_NO_CACHE = {"cache-control": "no-cache"}


@router.get("/")
async def index() -> Response:
    """The page itself."""
    return _file("index.html")


@router.get("/page/{name:path}")
async def file(name: str) -> Response:
    """A file of the page."""
    return _file(name)


def _file(name: str) -> Response:
    found = _files().get(name)
    if found is None:
        raise Trouble(404, "not_found", "there is no such file")
    return Response(found, media_type=_TYPES[os.path.splitext(name)[1]], headers=_NO_CACHE)


_READ: dict[str, bytes] = {}


def _files() -> Mapping[str, bytes]:
    """All files by their path, read once: nothing that a request says becomes a path of the disk."""
    if not _READ:
        root = resources.files("koubou.window").joinpath("page")
        with resources.as_file(root) as folder:
            for here, _, names in os.walk(folder):
                for each in names:
                    path = os.path.join(here, each)
                    if os.path.splitext(each)[1] in _TYPES:
                        with open(path, "rb") as stream:
                            _READ[os.path.relpath(path, folder)] = stream.read()
    return MappingProxyType(_READ)
