"""A bounded look into a workspace, before a program is let loose in it: names, and how the likeliest files begin.

What the workshop itself can read is what its programs can read, so that is what counts, whoever dropped the task. Links
are never followed. A look that ends at its bounds proves nothing of what lies behind them.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator

from msgspec import Struct

from koubou.folders.bounded import SUSPICIOUS

_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TELLING = re.compile(
    r"\.env(?:\..*|rc)?|.*\.env|\.?(?:npmrc|pypirc|netrc|pgpass|my\.cnf|htpasswd|dockercfg|s3cfg|boto|git-credentials)"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:pem|key|ppk|p12|pfx|jks|keystore|asc|kdbx|ovpn|tfvars|tfstate)"
    r"|.*(?:credential|secret|passw|token|apikey|api_key|秘密|機密|パスワード|密码|密钥).*"
    r"|kubeconfig|(?:application|appsettings|settings|config|database|docker-compose)[\w.-]{0,40}"
    r"\.(?:ya?ml|json|toml|ini|properties|xml|php|py)|wp-config\.php|local\.settings\.json",
    re.I,
)
"""Files that hold secrets more often than others: read first."""
_WELL_KNOWN = frozenset({".env", ".npmrc", ".pypirc", ".netrc", ".pgpass", ".git/config", "id_rsa", "id_ed25519"})
_PASSED_OVER = frozenset({"node_modules", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache", "site-packages"})
_INSIDE_GIT = frozenset({"config", "credentials"})


class Bounds(Struct, frozen=True, kw_only=True):
    """How far a look goes: entries seen, files read, bytes of each and of likely ones, folders deep, seconds in all."""

    entries: int = 5_000
    files: int = 200
    head: int = 1_024
    likely_head: int = 8_192
    depth: int = 8
    seconds: float = 0.5


_BOUNDS = Bounds()


def look_around(
    root: str, way: tuple[str, ...], bounds: Bounds = _BOUNDS, clock: Callable[[], float] = time.monotonic
) -> list[tuple[str, str, str]]:
    """(place, name, how it begins) of files beneath `root` at `way`; nothing where there is no such folder.

    Places are numbers or well-known names, so that a finding may be told; names are the ways from the workspace.
    """
    until = clock() + bounds.seconds
    try:
        workspace = _open(os.path.realpath(root), way)
    except OSError:
        return []
    try:
        seen = sorted(_files(workspace, bounds, lambda: clock() >= until), key=lambda name: not _is_telling(name))
        found = []
        for number, name in enumerate(seen[: bounds.files]):
            if clock() >= until:
                break
            begins = _head(workspace, name, bounds.likely_head if _is_telling(name) else bounds.head)
            if begins is not None:
                found.append((f"workspace[{name if name in _WELL_KNOWN else number}]", name, begins))
        return found
    finally:
        os.close(workspace)


def _files(workspace: int, bounds: Bounds, late: Callable[[], bool]) -> Iterator[str]:
    """The ways to its files, those near the top first."""
    waiting, left = [""], bounds.entries
    for folder in waiting:
        try:
            here = _open_beneath(workspace, folder)
        except OSError:
            continue
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0 or late():
                        return
                    name = f"{folder}/{entry.name}".lstrip("/")
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in _PASSED_OVER and name.count("/") < bounds.depth:
                            waiting.append(name)
                    elif entry.is_file(follow_symlinks=False) and (folder != ".git" or entry.name in _INSIDE_GIT):
                        yield name
        except OSError:
            continue
        finally:
            os.close(here)


def _head(workspace: int, name: str, size: int) -> str | None:
    """How a file begins, as text; None for one that cannot be read."""
    folder, _, last = name.rpartition("/")
    try:
        here = _open_beneath(workspace, folder)
        try:
            descriptor = os.open(last, SUSPICIOUS, dir_fd=here)
        finally:
            os.close(here)
        try:
            data = os.read(descriptor, size) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return None if data is None else _text(data)


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return "" if b"\0" in data else data.decode("utf-8-sig", "replace")


def _open(root: str, way: tuple[str, ...]) -> int:
    top = os.open("/", _STEP)
    try:
        return step_beneath(top, (*(part for part in root.split("/") if part), *way), _STEP)
    finally:
        os.close(top)


def _open_beneath(workspace: int, folder: str) -> int:
    return step_beneath(workspace, tuple(part for part in folder.split("/") if part), _FOLDER)


def step_beneath(top: int, parts: tuple[str, ...], last: int) -> int:
    """A folder, step by step and never by a link; it may be passed through where it cannot be listed."""
    here = os.dup(top)
    for number, part in enumerate((*parts, "."), start=1):
        try:
            following = os.open(part, last if number > len(parts) else _STEP, dir_fd=here)
        finally:
            os.close(here)
        here = following
    return here


def _is_telling(name: str) -> bool:
    return _TELLING.fullmatch(name.rpartition("/")[2]) is not None or name == ".git/config"
