"""Programs that are called as agents and bubblewrap are: native, and of no use but to be found."""

from __future__ import annotations

import shutil
from pathlib import Path


class Programs:
    """A folder in which they are found; nothing else is on the PATH of its environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("codex", "claude", "bwrap"):
            shutil.copy("/bin/true", folder / name)

    def remove(self, name: str) -> None:
        """It is not installed."""
        (self.folder / name).unlink()

    def environ(self, **more: str) -> dict[str, str]:
        """An environment in which they are all there is."""
        return {"PATH": str(self.folder), "HOME": str(self.folder), **more}
