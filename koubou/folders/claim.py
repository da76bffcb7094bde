"""Taking dropped files: each is renamed in place to a name that is ours alone; one sync of the folder for the batch."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec import Struct

from koubou.folders.layout import Layout
from koubou.folders.names import claim_file, is_task_file, kept, read_claim_file, shown
from koubou.model.instant import Instant, Milliseconds

_NANOSECONDS_PER_MILLISECOND = 1_000_000


class Claim(Struct, frozen=True, kw_only=True):
    """A file that is ours to read: `file` is its name in `tasks/` now, `name` (200 bytes at most) what it was."""

    ulid: str
    file: bytes
    name: bytes

    @property
    def shown(self) -> str:
        """The original name as people and programs may read it."""
        return shown(self.name)


class Stuck(Struct, frozen=True, kw_only=True):
    """A file that could not be renamed and stays where it is; tell it once, not at every scan."""

    name: bytes
    reason: str


class Claims(Struct, frozen=True, kw_only=True):
    """What one look brought. `waiting` are names that are ready beyond the limit: announce them again next time."""

    taken: Sequence[Claim] = ()
    waiting: Sequence[bytes] = ()
    stuck: Sequence[Stuck] = ()

    @property
    def more(self) -> bool:
        """Whether another look is worth while at once."""
        return bool(self.waiting)


def claim(
    layout: Layout,
    announced: Collection[bytes],
    *,
    settle: Milliseconds,
    now: Instant,
    limit: int,
    new_ulid: Callable[[], str],
    scan: bool,
) -> Claims:
    """Take at most `limit` files: the announced in their order, then, with `scan`, what lay unchanged for `settle`.

    Things that are no regular files are taken too, so that reading refuses them. Durable when it returns.
    Raises OSError where `tasks/` itself cannot be opened or synced; a folder that is not there holds nothing.
    """
    try:
        tasks = os.open(layout.tasks, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Claims()
    try:
        ready = [name for name in announced if is_task_file(name) and not _is_empty(tasks, name)]
        if scan:
            known = set(ready)
            ready += [name for name in _settled(layout, settle, now) if name not in known]
        taken: list[Claim] = []
        stuck: list[Stuck] = []
        tried = 0
        for name in ready:
            if len(taken) == limit:
                break
            tried += 1
            outcome = _take(tasks, name, new_ulid())
            if isinstance(outcome, Claim):
                taken.append(outcome)
            elif outcome is not None:
                stuck.append(outcome)
        if taken:
            os.fsync(tasks)
        return Claims(taken=taken, waiting=ready[tried:], stuck=stuck)
    finally:
        os.close(tasks)


def leftovers(layout: Layout) -> Sequence[Claim]:
    """Claims that an earlier master left unread or undone, oldest first. Raises OSError."""
    found = [(read_claim_file(file), file) for file in os.listdir(os.fsencode(layout.tasks))]
    claims = [Claim(ulid=parts[0], file=file, name=parts[1]) for parts, file in found if parts is not None]
    return sorted(claims, key=lambda claim: claim.ulid)


def _take(tasks: int, name: bytes, ulid: str) -> Claim | Stuck | None:
    file = claim_file(ulid, name)
    try:
        os.rename(name, file, src_dir_fd=tasks, dst_dir_fd=tasks)
    except FileNotFoundError:
        return None  # taken back, or taken already
    except OSError as error:
        return Stuck(name=name, reason=error.strerror or "it cannot be renamed")
    return Claim(ulid=ulid, file=file, name=kept(name))


def _is_empty(tasks: int, name: bytes) -> bool:
    """Whether a file was closed with nothing in it, as `touch` and some editors do before they write: a scan's work."""
    try:
        found = os.stat(name, dir_fd=tasks, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def _settled(layout: Layout, settle: Milliseconds, now: Instant) -> Iterator[bytes]:
    """Names that nobody touched for `settle`, in the order in which they were written."""
    quiet = settle * _NANOSECONDS_PER_MILLISECOND
    moment = now * _NANOSECONDS_PER_MILLISECOND
    found: list[tuple[int, bytes]] = []
    with os.scandir(os.fsencode(layout.tasks)) as entries:
        for entry in entries:
            if not is_task_file(entry.name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            # Any write sets ctime, and nobody can set it back. One in the future says that the clock was set back.
            if not -quiet <= moment - status.st_ctime_ns < quiet:
                found.append((status.st_mtime_ns, entry.name))
    found.sort()
    return (name for _, name in found)
