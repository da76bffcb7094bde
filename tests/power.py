"""Cutting a workshop's power: everybody dies at once, and of its tasks folder only that is left which was fsynced.

The board is left as it is: what SQLite keeps of it through a power cut is SQLite's own promise.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from simulator import Simulator
from workshop import Workshop, as_file

STUB = Path(__file__).with_name("stubs") / "synced.py"
DROP = """
import json, sys
from koubou.folders.submit import drop
for name, text in json.load(sys.stdin).items():
    drop(sys.argv[1], name, text.encode())
"""
Entry = tuple[int, int | None]
"""An inode, and when it was last written; None for a folder."""


class Disk:
    """What of `under` would be there after a power cut, read from the notes that fsync left."""

    def __init__(self, under: Path, notes: Path) -> None:
        self._under = under
        self._notes = notes
        self._names: dict[int, dict[str, Entry]] = {}
        self._written: dict[Entry, Path] = {}
        self._look()

    def _look(self) -> None:
        """What is there now, before anybody writes, is there."""
        self._names, self._written = {}, {}
        for folder, _, _ in os.walk(self._under):
            here = self._names[os.stat(folder).st_ino] = {}
            for each in os.scandir(folder):
                here[each.name] = entry = _entry(each.stat(follow_symlinks=False))
                if entry[1] is not None:
                    self._written[entry] = self._notes / f"{entry[0]}-{entry[1]}"
                    shutil.copyfile(each.path, self._written[entry])

    def left(self) -> None:
        """Make the folder what the disk has of it."""
        for line in (self._notes / "log").read_text().splitlines():
            self._take(json.loads(line))
        (self._notes / "log").write_text("")
        draft = self._under.with_name("after-the-cut")
        root = self._under.stat()
        self._build(draft, root.st_ino, {root.st_ino})
        shutil.copystat(self._under, draft)
        shutil.rmtree(self._under)
        draft.rename(self._under)
        self._look()

    def _take(self, said: Mapping[str, Any]) -> None:
        if "copy" in said:
            self._written[said["inode"], said["written"]] = Path(said["copy"])
        for parent, name, *entry in said["way"]:
            self._stands(parent, name, (entry[0], entry[1]))
        if "names" in said:
            self._names[said["inode"]] = {}
            for name, (inode, written) in said["names"].items():
                self._stands(said["inode"], name, (inode, written))

    def _stands(self, parent: int, name: str, entry: Entry) -> None:
        """A rename is in the journal whole: what has come to stand here stands nowhere else."""
        for names in self._names.values():
            for other in [other for other, found in names.items() if found == entry]:
                del names[other]
        self._names.setdefault(parent, {})[name] = entry

    def _build(self, folder: Path, inode: int, above: set[int]) -> None:
        folder.mkdir(mode=0o700)
        for name, (child, written) in self._names.get(inode, {}).items():
            if written is None and child not in above:
                self._build(folder / name, child, above | {child})
            elif written is not None and (copy := self._written.get((child, written))) is not None:
                shutil.copyfile(copy, folder / name)
            elif written is not None:
                (folder / name).write_bytes(b"")  # its name was kept and its blocks were not


class Powered:
    """A workshop whose power can be cut."""

    def __init__(self, workshop: Workshop, python: Path, notes: Path) -> None:
        self.workshop = workshop
        self._python = python
        self._disk = Disk(workshop.home / "tasks", notes)

    def drop(self, files: Mapping[str, Any]) -> None:
        """Drop files as `koubou submit` does, and come back when the disk has them."""
        texts = {name: as_file(name, content).decode() for name, content in files.items()}
        words = [str(self._python), "-P", "-c", DROP, str(self.workshop.home / "tasks")]
        subprocess.run(words, input=json.dumps(texts), text=True, check=True, timeout=60)

    def cut(self) -> None:
        """No power any more."""
        alive = self.workshop.notice_processes()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for each in alive:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(number)
        self.workshop.exit_code()
        psutil.wait_procs(alive, timeout=10)
        self._disk.left()


@contextmanager
def a_powered_workshop(**changes: Any) -> Iterator[Powered]:
    """A workshop at work in an environment of its own, in which every fsync below its tasks folder is noted."""
    with Simulator() as provider, Workshop(provider, **changes) as workshop:
        venv, notes = workshop.folder / "venv", workshop.folder / "notes"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=60)
        notes.mkdir()
        (notes / "under").write_text(str(workshop.home / "tasks"))
        shutil.copy(STUB, notes / "synced.py")
        packages = next((venv / "lib").glob("python*/site-packages"))
        ours, product = sysconfig.get_paths()["purelib"], Path(__file__).parents[1]
        paths = f"{product}\n{notes}\nimport site; site.addsitedir({ours!r})\nimport synced\n"
        (packages / "powered.pth").write_text(paths)
        workshop.program = venv / "bin" / "koubou"
        workshop.program.write_text(
            f"#!{venv / 'bin' / 'python'}\nimport sys\nfrom koubou.cli.main import main\nsys.exit(main())\n"
        )
        workshop.program.chmod(0o700)
        workshop.start()
        yield Powered(workshop, venv / "bin" / "python", notes)


def _entry(status: os.stat_result) -> Entry:
    folder = (status.st_mode & 0o170000) == 0o040000
    return status.st_ino, None if folder else status.st_mtime_ns
