"""Where the workshop keeps its folders, and with which modes they are made."""

from __future__ import annotations

import grp
import os
import re
import stat

from msgspec import Struct

GROUP = "koubou-submit"
"""Whose members may drop files, where the machine has this group."""

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_PRIVATE = 0o700
_PASSABLE = 0o711
_BOARD = 0o750
_HOME = 0o755
_DROP_ONLY = stat.S_ISGID | stat.S_ISVTX | 0o730
"""A member of the group may drop, but neither list nor replace what others dropped."""
_GROUP_PASSABLE = 0o710


class Layout(Struct, frozen=True, kw_only=True):
    """The folders of one workshop. `home` is an absolute path."""

    home: str

    @property
    def tasks(self) -> str:
        """Where files are dropped."""
        return f"{self.home}/tasks"

    @property
    def in_progress(self) -> str:
        """One folder for each task at work."""
        return f"{self.home}/tasks/in_progress"

    @property
    def completed(self) -> str:
        """One folder for each task that was answered."""
        return f"{self.home}/tasks/completed"

    @property
    def failed(self) -> str:
        """One folder for each task that ended without an answer."""
        return f"{self.home}/tasks/failed"

    @property
    def rejected(self) -> str:
        """Files that were not taken in, each with its reason."""
        return f"{self.home}/tasks/rejected"

    @property
    def board(self) -> str:
        """The folder of the board's file."""
        return f"{self.home}/board"

    @property
    def run(self) -> str:
        """The folder of the control socket."""
        return f"{self.home}/run"

    @property
    def secrets(self) -> str:
        """The folder of the encrypted keys."""
        return f"{self.home}/secrets"

    def task_folder(self, shelf: str, task: str) -> str:
        """The folder of a task on a shelf: in_progress, completed or failed. Raises ValueError for an unfit id."""
        if _FOLDER_NAME.fullmatch(task) is None:
            raise ValueError("a task's id names its folder: a-z, A-Z, 0-9, dot, dash and underscore only")
        return f"{self.home}/tasks/{shelf}/{task}"

    def ensure(self) -> None:
        """Make every folder that is missing. Raises OSError. Folders that exist keep the modes they have."""
        if not os.path.isdir(self.home):
            os.makedirs(os.path.dirname(self.home) or "/", exist_ok=True)
            _make(self.home, _HOME, None)
        group = _our_group()
        _make(self.board, _BOARD, None)
        _make(self.run, _PRIVATE if group is None else _GROUP_PASSABLE, group)
        _make(self.secrets, _PRIVATE, None)
        self.ensure_tasks()

    def ensure_tasks(self) -> None:
        """Make `tasks/` and its children where somebody removed them; five stats when all is well. Raises OSError."""
        if not os.path.isdir(self.tasks):
            group = _our_group()
            _make(self.tasks, _PRIVATE if group is None else _DROP_ONLY, group)
        for shelf in (self.in_progress, self.completed, self.failed, self.rejected):
            _make(shelf, _PASSABLE, None)


def _our_group() -> int | None:
    """The id of the submitters' group, if there is one and we may give folders to it."""
    try:
        group = grp.getgrnam(GROUP).gr_gid
    except KeyError:
        return None
    return group if os.geteuid() == 0 or group in (os.getegid(), *os.getgroups()) else None


def _make(path: str, mode: int, group: int | None) -> None:
    """Make a folder with exactly this mode, whatever the umask says, unless it is there."""
    if os.path.isdir(path):
        return
    try:
        os.mkdir(path, _PRIVATE)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return
    # The mode is widened only once the folder is ours, and on the descriptor: nobody can put another in its place.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if group is not None:
            os.fchown(descriptor, -1, group)
        try:
            os.fchmod(descriptor, mode)
        except PermissionError:
            # A service with agents may make nothing set-group-id; `koubou submit` gives its files to the group itself.
            os.fchmod(descriptor, mode & ~stat.S_ISGID)
    finally:
        os.close(descriptor)
