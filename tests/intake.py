"""What the tests of the folders share: a workshop's folders in a temporary place, and claims made in them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from koubou.folders.claim import Claim, Claims, claim
from koubou.folders.layout import Layout
from koubou.folders.read import Drop, read_claim
from koubou.folders.requests import ReadLimits
from koubou.model.ulid import ulid

NOW = 1_800_000_000_000
LATER = 4_000_000_000_000
"""Long after any file of a test was made, so that all of them have settled."""


@contextmanager
def an_open_folder() -> Iterator[Path]:
    """A temporary folder to which everybody may pass, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        if not all(above.stat().st_mode & 0o011 == 0o011 for above in folder.parents):
            pytest.skip("the place for temporary folders lies behind a closed door")
        yield folder


def a_layout(folder: Path) -> Layout:
    """The folders of a new workshop."""
    layout = Layout(home=str(folder / "home"))
    layout.ensure()
    return layout


def ulids() -> Callable[[], str]:
    """ULIDs that count up."""
    numbers = count(1)
    return lambda: ulid(NOW, next(numbers).to_bytes(10, "big"))


def claims(
    layout: Layout,
    announced: Sequence[bytes] = (),
    *,
    scan: bool = True,
    now: int = LATER,
    limit: int = 1_000,
    new_ulid: Callable[[], str] | None = None,
) -> Claims:
    """One look at `tasks/` with a settling time of two seconds."""
    return claim(layout, announced, settle=2_000, now=now, limit=limit, new_ulid=new_ulid or ulids(), scan=scan)


def put(layout: Layout, name: bytes | str, content: bytes | str = "prompt: hello\n") -> bytes:
    """A file in `tasks/`; returns its path."""
    path = os.path.join(os.fsencode(layout.tasks), os.fsencode(name))
    with open(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return path


def claimed(layout: Layout, name: bytes | str, content: bytes | str = "prompt: hello\n") -> Claim:
    """A file that was dropped and claimed."""
    put(layout, name, content)
    return the_claim(layout)


def the_claim(layout: Layout) -> Claim:
    """The claim of the one file that lies in `tasks/`."""
    (taken,) = claims(layout).taken
    return taken


def read(layout: Layout, name: bytes | str, content: bytes | str, limits: ReadLimits | None = None) -> Drop:
    """What reading this file gives."""
    return read_claim(layout, claimed(layout, name, content), limits or ReadLimits())
