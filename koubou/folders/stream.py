"""Telling git of two states of a tree without letting it look: the stream of git-fast-import(1)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import BinaryIO

from koubou.folders.around import step_beneath
from koubou.folders.bounded import SUSPICIOUS
from koubou.folders.copying import FOLDER, Going, Stopped
from koubou.folders.survey import EXECUTABLE, LINK, PLAIN, State

_PIECE = 1 << 20
_MOST = 256 * 1024 * 1024
_COMMIT = b"commit refs/heads/%s\nmark :%d\ncommitter koubou <koubou> 0 +0000\ndata 0\n"


class MostBytes(Exception):
    """There is more in the files that changed than a patch is made of; or one changes while it is read."""


class Reading:
    """The same way looked up in two trees, never by a link."""

    def __init__(self, before: str, after: str) -> None:
        self._before, self._after = os.open(before, FOLDER), os.open(after, FOLDER)

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, kind: type[BaseException] | None, it: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._before)
        os.close(self._after)

    def same(self, path: str, old: State, new: State) -> bool:
        """Whether the file is in both what it is in the other."""
        if old.mode != new.mode or old.size != new.size:
            return False
        try:
            if old.mode == LINK:
                return _link(self._before, path) == _link(self._after, path)
            with _opened(self._before, path) as here, _opened(self._after, path) as there:
                while piece := os.read(here, _PIECE):
                    if piece != os.read(there, len(piece)):
                        return False
                return not os.read(there, 1)
        except OSError:
            return False


def write_stream(path: str, before: str, after: str, old: Sequence[str], new: Sequence[str], going: Going) -> None:
    """Write two commits: refs/heads/before of the files `old`, refs/heads/after of the files `new` in their place.

    Raises MostBytes, Stopped, OSError.
    """
    with open(path, "xb") as stream:
        room = _MOST
        for number, (name, root, paths) in enumerate(((b"before", before, old), (b"after", after, new)), start=1):
            stream.write(_COMMIT % (name, number))
            if number > 1:
                stream.write(b"from :1\n")
                stream.writelines(b"D %s\n" % _quoted(each) for each in old)
            top = os.open(root, FOLDER)
            try:
                for each in paths:
                    if not going():
                        raise Stopped
                    room -= _write_file(stream, top, each, room)
            finally:
                os.close(top)
        stream.write(b"done\n")


def _write_file(stream: BinaryIO, top: int, path: str, room: int) -> int:
    """Its bytes; how many there are."""
    with suppress(OSError):
        leads_to = _link(top, path)
        stream.write(b"M %s inline %s\ndata %d\n%s\n" % (LINK.encode(), _quoted(path), len(leads_to), leads_to))
        return len(leads_to)
    with _opened(top, path) as descriptor:
        found = os.fstat(descriptor)
        if found.st_size > room:
            raise MostBytes(f"the files that changed hold more than {_MOST // (1 << 20)} MB: no patch is made of them")
        mode = EXECUTABLE if found.st_mode & stat.S_IXUSR else PLAIN
        stream.write(b"M %s inline %s\ndata %d\n" % (mode.encode(), _quoted(path), found.st_size))
        left = found.st_size
        while left:
            piece = os.read(descriptor, min(left, _PIECE))
            if not piece:
                raise MostBytes("a file was changed while the patch was made: ask again when nobody works on it")
            stream.write(piece)
            left -= len(piece)
        stream.write(b"\n")
        return found.st_size


@contextmanager
def _opened(top: int, path: str) -> Iterator[int]:
    folder, name = _folder_of(top, path)
    try:
        descriptor = os.open(name, SUSPICIOUS, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _link(top: int, path: str) -> bytes:
    folder, name = _folder_of(top, path)
    try:
        return os.fsencode(os.readlink(name, dir_fd=folder))
    finally:
        os.close(folder)


def _folder_of(top: int, path: str) -> tuple[int, str]:
    *folders, name = path.split("/")
    return step_beneath(top, tuple(folders), FOLDER), name


def _quoted(path: str) -> bytes:
    escaped = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
