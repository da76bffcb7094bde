"""Programs that are called as agents and bubblewrap are, and do nothing but say their version."""

from __future__ import annotations

from pathlib import Path


class Programs:
    """A folder in which they are found; nothing else is on the PATH of its environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("codex", "claude", "bwrap"):
            self.write(name)

    def write(self, name: str) -> str:
        file = self.folder / name
        file.write_text(f"#!/bin/sh\necho {name} 1.2.3\n")
        file.chmod(0o755)
        return str(file)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def environ(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.folder), "HOME": str(self.folder), **more}
