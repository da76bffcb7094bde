"""Whether the kernel says that it ended something of ours for want of memory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


class OutOfMemory:
    """Counts the kernel's kills in our control group; where it does not tell, nothing is claimed."""

    def __init__(self, own: Path = Path("/proc/self/cgroup"), root: Path = _CGROUPS) -> None:
        self._files = _files(own, root)
        self._seen = self._count()

    def happened(self) -> bool:
        """Whether the kernel has killed since this was last asked."""
        before, self._seen = self._seen, self._count()
        return self._seen > before

    def _count(self) -> int:
        total = 0
        for file in self._files:
            with suppress(OSError, ValueError):
                for line in file.read_text(encoding="ascii").splitlines():
                    word, _, number = line.partition(" ")
                    if word == "oom_kill":
                        total += int(number)
        return total


def _files(own: Path, root: Path) -> list[Path]:
    """memory.events of version 2, memory.oom_control of version 1: both have a line `oom_kill N`."""
    found = []
    with suppress(OSError):
        for line in own.read_text(encoding="ascii", errors="replace").splitlines():
            _, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            if not controllers:
                found += [
                    root / path.lstrip("/") / "memory.events",
                    root / "unified" / path.lstrip("/") / "memory.events",
                ]
            elif "memory" in controllers.split(","):
                found.append(root / "memory" / path.lstrip("/") / "memory.oom_control")
    return [file for file in found if file.exists()]
