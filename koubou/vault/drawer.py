"""The folder of sealed files: checked when it is opened, locked for writing, each file written whole or not at all.

Everything goes through the folder's own descriptor, so that nobody can put another in its place meanwhile; that, and a
layer below `folders`, is why this does not use its durable writes.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from koubou.errors import SecretsUnusable

_LOCK = ".lock"
_LONGEST = 1_000_000
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Drawer:
    """An opened folder; names are those of files directly in it."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._folder = descriptor
        self.path = path

    def names(self) -> list[str]:
        """The files that lie in it, hidden ones too."""
        return sorted(os.listdir(self._folder))

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none. Raises SecretsUnusable for a link, a pipe, a giant."""
        try:
            descriptor = os.open(name, _READ, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretsUnusable(f"{self.path}/{name}: cannot be read: {error.strerror}") from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LONGEST:
            os.close(descriptor)
            raise SecretsUnusable(f"{self.path}/{name}: is no file that koubou wrote; take it away")
        with open(descriptor, "rb") as file:
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Put a file there at one stroke and wait until the disk has it. The caller holds the lock. Raises OSError."""
        draft = f".{name}.tmp"
        self._unlink(draft)  # left by one who was killed
        descriptor = os.open(draft, _NEW, 0o600, dir_fd=self._folder)
        try:
            with open(descriptor, "wb") as file:
                self._own(descriptor)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            os.rename(draft, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except BaseException:
            self._unlink(draft)
            raise
        os.fsync(self._folder)

    def remove(self, name: str) -> bool:
        """Take a file away for good; False where there is none. The caller holds the lock. Raises OSError."""
        gone = self._unlink(name)
        os.fsync(self._folder)
        return gone

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(_LOCK, flags, 0o600, dir_fd=self._folder)
        try:
            self._own(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _unlink(self, name: str) -> bool:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)
            return True
        return False

    def _own(self, descriptor: int) -> None:
        """What root writes in the workshop's folder is the workshop's."""
        os.fchmod(descriptor, 0o600)
        if os.geteuid() == 0:
            owner = os.fstat(self._folder)
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextmanager
def opened(path: str) -> Iterator[Drawer | None]:
    """The drawer at this path; None where there is none. Raises SecretsUnusable when others can look into it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    except NotADirectoryError:
        raise SecretsUnusable(f"{path}: is no folder, or a link to one; the workshop keeps its keys there") from None
    try:
        found = os.fstat(descriptor)
        if found.st_mode & 0o077:
            raise SecretsUnusable(
                f"{path}: others may look into it ({stat.S_IMODE(found.st_mode):04o}); chmod 700 {path}"
            )
        yield Drawer(descriptor, path)
    finally:
        os.close(descriptor)


def make(path: str) -> None:
    """Make the drawer, unless it is there; it belongs to who the workshop's home belongs to. Raises OSError."""
    home = os.path.dirname(path)
    os.makedirs(home, mode=0o755, exist_ok=True)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, 0o700)
            if os.geteuid() == 0:
                owner = os.stat(home)
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)
