"""What the command says, read from a pipe as it comes and kept in a file up to a bound."""

from __future__ import annotations

import os

_PIECE = 64 * 1024
_AT_ONCE = 16


class Capture:
    """One stream. `pipe` is the command's end until it has started; `size` is what stands in the file.

    `trouble` says why no more of it will: `output` for the bound, `disk` with a message.
    """

    def __init__(self, path: str, bound: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(path, flags, 0o600)
        self.reading, self.pipe = os.pipe()
        os.set_blocking(self.reading, False)
        self.size = 0
        self.open = True
        self.trouble: str | None = None
        self.message = ""
        self._bound = bound

    def started(self) -> None:
        """The command has its end now; ours is closed, so that the end of the stream can be seen."""
        os.close(self.pipe)

    def take(self) -> bool:
        """Take in what is there, at most a megabyte; whether anything was. After trouble it is read and thrown away."""
        came = False
        for _ in range(_AT_ONCE):
            try:
                data = os.read(self.reading, _PIECE)
            except BlockingIOError:
                break
            if not data:
                self.close()
                break
            came = True
            if self.trouble is None:
                self._keep(data)
        return came

    def take_the_rest(self) -> None:
        """What is left in the pipe once nobody writes any more."""
        while self.open and self.take():
            pass
        self.close()

    def close(self) -> None:
        """No more is read; who still writes gets SIGPIPE."""
        if self.open:
            self.open = False
            os.close(self.reading)
            os.close(self._file)

    def _keep(self, data: bytes) -> None:
        room = self._bound - self.size
        if len(data) > room:
            self.trouble = "output"
        rest = memoryview(data)[:room]
        try:
            while rest:
                written = os.write(self._file, rest)
                self.size += written
                rest = rest[written:]
        except OSError as error:
            self.trouble, self.message = "disk", error.strerror or ""
