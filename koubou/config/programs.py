"""Where the native programs of agents are: as scripts/agents installs them, else on the PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping


def native(name: str, environ: Mapping[str, str]) -> str | None:
    """The native file of `codex` or `claude`; None where there is none."""
    found = (os.path.join(folder, name) for folder in _folders(environ))
    installed = next((path for path in found if os.access(path, os.X_OK) and os.path.isfile(path)), None)
    return installed or shutil.which(name, path=environ.get("PATH"))


def _folders(environ: Mapping[str, str]) -> Iterator[str]:
    if named := environ.get("KOUBOU_AGENTS"):
        yield named
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".cache")
    yield os.path.join(cache, "koubou", "agents")
    yield "/opt/koubou/agents"
