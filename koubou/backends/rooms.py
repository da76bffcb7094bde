"""The folders of an agent's run: its home, its place to work, what a later run resumes from, and what is swept out.

An agent writes in them as it likes: nothing here follows a link that it made.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from koubou.backends.port import Sink
from koubou.model.call_lines import MEMBER

_HOME, _WORK, _TEMPORARY = "home", "work", "tmp"
_SESSIONS = (".claude/projects", ".codex/sessions")
"""Below a home: what programs resume from."""


class Rooms(Struct, frozen=True, kw_only=True):
    """Where a run lives: absolute paths. `prompt` is the file with the conversation."""

    folder: str
    home: str
    work: str
    temporary: str
    prompt: str


def make_rooms(sink: Sink, body: Mapping[str, Any], *, add: str = "") -> Rooms:
    """Make what is not there yet; the conversation of `body` is the prompt, with what is to be added."""
    work = sink.work
    in_place = work is not None and not work.isolate and work.workspace is not None
    rooms = Rooms(
        folder=sink.folder,
        home=os.path.join(sink.folder, _HOME),
        work=work.workspace if in_place and work and work.workspace else os.path.join(sink.folder, _WORK),
        temporary=os.path.join(sink.folder, _TEMPORARY),
        prompt=os.path.join(sink.folder, "prompt.txt"),
    )
    for each in (rooms.home, rooms.temporary, *(() if in_place else (rooms.work,))):
        os.makedirs(each, mode=0o700, exist_ok=True)
    write(rooms.prompt, conversation(body) + add)
    return rooms


def conversation(body: Mapping[str, Any]) -> str:
    """What is asked, as one text."""
    contents = (message.get("content") for message in body.get("messages", ()))
    return "\n\n".join(text for text in contents if isinstance(text, str)) + "\n"


def write(path: str, text: str) -> None:
    """Write a file that only we and the agent may read."""
    with open(path, "w", encoding="utf-8", errors="replace", opener=_private) as file:
        file.write(text)


def take_over(earlier: str, rooms: Rooms, kept: Iterable[str]) -> bool:
    """Copy what an earlier run left for its session; whether there was anything, and it could be copied."""
    taken = False
    for path in kept:
        source, target = os.path.join(earlier, _HOME, path), os.path.join(rooms.home, path)
        if not _is_folder(os.path.join(earlier, _HOME), path):
            continue
        try:
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        except (OSError, shutil.Error):
            return False
        taken = True
    return taken


def sweep(folder: str, kept: Iterable[str] = ()) -> None:
    """Take away what a run has left in its folders for itself, but for what a later run would resume from."""
    _remove(os.path.join(folder, _TEMPORARY))
    if _is_folder(folder, _HOME):
        _empty(os.path.join(folder, _HOME), [path.split("/") for path in kept])


def clear(folder: str) -> None:
    """The task has ended: what was kept for its session goes, too, and the work of members that was not chosen.

    `folder` is that of a run.
    """
    for name in (_HOME, _TEMPORARY):
        _remove(os.path.join(folder, name))
    for member in _members(folder):
        for name in (_HOME, _TEMPORARY, _WORK, "test"):
            _remove(os.path.join(folder, member, name))


def tidy(runs: str, *, answered: int | None) -> None:
    """The task has ended, and `runs` is the folder of its runs: what its agents had for themselves goes.

    After an answer, that of run `answered`, nothing is resumed: only that run's own work is left, where no patch could
    be made of it. A task that failed may be tried again: what a session and its work need stays.
    """
    for number in _folders(runs):
        run = os.path.join(runs, number)
        if answered is None:
            for room in (run, *(os.path.join(run, member) for member in _members(run))):
                sweep(room, _SESSIONS)
            continue
        clear(run)
        if number != str(answered):
            _remove(os.path.join(run, _WORK))
        _remove(os.path.join(run, "baseline"))


def _members(run: str) -> list[str]:
    return [name for name in _folders(run) if name.startswith(MEMBER)]


def _folders(above: str) -> list[str]:
    try:
        return [name for name in os.listdir(above) if _is_folder(above, name)]
    except OSError:
        return []


def _empty(folder: str, kept: list[list[str]]) -> None:
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        below = [parts[1:] for parts in kept if parts[0] == name]
        if not below or not _is_folder(folder, name):
            _remove(path)
        elif all(below):
            _empty(path, below)


def _is_folder(above: str, path: str) -> bool:
    """Whether it is a folder, reached through folders only."""
    here = above
    for part in path.split("/"):
        here = os.path.join(here, part)
        try:
            if not stat.S_ISDIR(os.lstat(here).st_mode):
                return False
        except OSError:
            return False
    return True


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
