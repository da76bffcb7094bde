"""Git for us alone: a store of its own, no settings but ours, on a leash."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from koubou.folders.bounded import SUSPICIOUS, read_bounded
from koubou.folders.copying import FOLDER
from koubou.leash.holding import Leashes
from koubou.leash.orders import MEGABYTE, Command, Ended, Limits, Why

_SETTINGS = """\
[core]
	repositoryFormatVersion = 0
	bare = true
	compression = 0
	fsync = none
	hooksPath = /dev/null
	attributesFile = /dev/null
	excludesFile = /dev/null
[fastimport]
	unpackLimit = 1
[gc]
	auto = 0
"""
_ENVIRONMENT = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}
_LIMITS = Limits(
    wall=300_000, grace=1_000, output=512 * MEGABYTE, errors=MEGABYTE, memory=2048 * MEGABYTE, processes=50
)
_DIFF = ("diff-tree", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
_IMPORT = ("fast-import", "--quiet", "--done", "--date-format=raw")
_KEPT = (("index", 64 * MEGABYTE, "workspace.index"), ("info/exclude", MEGABYTE, "info/exclude"))
"""Of the workspace's own git, within bounds: which files it keeps, and what it ignores beside .gitignore."""


class GitFailed(Exception):
    """Git did not do its work; says how it ended."""


class Git:
    """A store that `make` has made, and what is asked of it; its programs live on leashes with this mark."""

    def __init__(self, store: str, leashes: Leashes, mark: str) -> None:
        self._store = store
        self._leashes = leashes
        self._mark = mark

    @staticmethod
    def make(store: str, work: str) -> None:
        """A new store, with what the repository in `work` says of what is to be ignored. Raises OSError."""
        for folder in ("", "/objects", "/refs", "/info"):
            os.mkdir(store + folder, 0o700)
        for name, text in (("HEAD", "ref: refs/heads/none\n"), ("config", _SETTINGS)):
            with open(f"{store}/{name}", "x", encoding="ascii") as file:
                file.write(text)
        for name, limit, kept in _KEPT:
            data = _read_of_git(work, name, limit)
            if data is not None:
                with open(f"{store}/{kept}", "xb") as copy:
                    copy.write(data)

    @property
    def has_excludes(self) -> bool:
        """Whether something is ignored that no .gitignore names."""
        return os.path.exists(f"{self._store}/info/exclude")

    async def ignored(self, work: str, paths: Sequence[str]) -> frozenset[str]:
        """Which of these ways are ignored in `work`, and not kept by its git; none where git cannot say."""
        if not paths:
            return frozenset()
        asked, answered = f"{self._store}/paths", f"{self._store}/ignored"
        with open(asked, "wb") as file:  # with ./ because a way that begins with : would be magic
            file.writelines(b"./%s\0" % os.fsencode(path) for path in paths)
        index = f"{self._store}/workspace.index"
        ways: list[tuple[tuple[str, ...], dict[str, str]]] = [((), {"GIT_INDEX_FILE": index})]
        ways.append((("--no-index",), {}))  # where there is no index, a broken one, or submodules
        for flag, more in ways[0 if os.path.exists(index) else 1 :]:
            words = ("check-ignore", "-z", "--stdin", *flag)
            more = {**more, "GIT_WORK_TREE": work}
            ended = await self._run(words, answered, directory=work, stdin=asked, more=more)
            if ended.why is Why.EXITED and ended.status in (0, 1):
                with open(answered, "rb") as file:
                    return frozenset(os.fsdecode(path[2:]) for path in file.read().split(b"\0") if path)
        return frozenset()

    async def compare(self, stream: str, patch: str) -> None:
        """Take a stream of `write_stream` and write how one becomes the other. Raises GitFailed."""
        told = f"{self._store}/told"
        _check(await self._run(_IMPORT, told, directory=self._store, stdin=stream), _IMPORT[0])
        ended = await self._run((*_DIFF, "refs/heads/before", "refs/heads/after"), patch, directory=self._store)
        try:
            _check(ended, _DIFF[0])
        except GitFailed:
            with suppress(FileNotFoundError):
                os.unlink(patch)
            raise

    async def _run(
        self,
        words: Sequence[str],
        stdout: str,
        *,
        directory: str,
        stdin: str | None = None,
        more: dict[str, str] | None = None,
    ) -> Ended:
        command = Command(
            argv=("git", *words),
            environment={**_ENVIRONMENT, "GIT_DIR": self._store, **(more or {})},
            directory=directory,
            stdin=stdin,
            stdout=stdout,
            stderr=f"{self._store}/errors",
            mark=self._mark,
        )
        return await self._leashes.run(command, _LIMITS, lambda _: False)


def _check(ended: Ended, word: str) -> None:
    if ended.why is Why.NOT_STARTED:
        raise GitFailed(f"git cannot be started ({ended.message}): apt-get install git")
    if ended.why is not Why.EXITED or ended.status != 0:
        how = f"status {ended.status}" if ended.status is not None else ended.why.value
        raise GitFailed(f"git {word} did not do its work ({how}): no patch is made")


def _read_of_git(work: str, name: str, limit: int) -> bytes | None:
    """A file of the workspace's .git, which must be a folder; no link is followed. None where there is none."""
    *folders, last = (".git", *name.split("/"))
    here = os.open(work, FOLDER)
    try:
        for folder in folders:
            following = os.open(folder, FOLDER, dir_fd=here)
            os.close(here)
            here = following
        descriptor = os.open(last, SUSPICIOUS, dir_fd=here)
        try:
            found = os.fstat(descriptor)
            return read_bounded(descriptor, found.st_size, limit) if stat.S_ISREG(found.st_mode) else None
        finally:
            os.close(descriptor)
    except OSError:
        return None
    finally:
        os.close(here)
