"""Where the agents' own programs stand: the native files, not the npm scripts that start them."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

_SYSTEM_FOLDER = Path("/opt/koubou/agents")
_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_ELF = b"\x7fELF"


def native(name: Literal["codex", "claude"], environ: Mapping[str, str]) -> str | None:
    """The path of the native program, or None where it is not installed.

    Looked for in the folder that KOUBOU_AGENTS names, in those where `scripts/agents` installs, and on the PATH. An
    npm script stays as a parent between the leash and the program, so the program beside it is taken instead.
    """
    for folder in _folders(environ):
        if found := _among(name, folder / "node_modules"):
            return str(found)
    on_path = shutil.which(name, path=environ.get("PATH", ""))
    return None if on_path is None else _behind(name, Path(on_path).resolve())


def _folders(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("KOUBOU_AGENTS"):
        yield Path(named)
    yield _SYSTEM_FOLDER
    if cache := environ.get("XDG_CACHE_HOME"):
        yield Path(cache) / "koubou" / "agents"
    elif home := environ.get("HOME"):
        yield Path(home) / ".cache" / "koubou" / "agents"


def _among(name: str, modules: Path) -> Path | None:
    """The native file of one of these packages of npm."""
    machine = platform.machine()
    kind = f"linux-{_ARCHITECTURES.get(machine, machine)}"
    if name == "claude":
        places = [modules / f"@anthropic-ai/claude-code-{kind}/claude"]
    else:
        vendored = f"vendor/{machine}-unknown-linux-musl/bin/codex"
        places = [modules / "@openai" / package / vendored for package in ("codex", f"codex-{kind}")]
    return next((place for place in places if _is_native(place)), None)


def _behind(name: str, started: Path) -> str | None:
    """What a file on the PATH is or starts."""
    if _is_native(started):
        return str(started)
    found = (_among(name, above / "node_modules") for above in started.parents)
    return next((str(each) for each in found if each is not None), None)


def _is_native(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_ELF)) == _ELF and os.access(file, os.X_OK)
    except OSError:
        return False
