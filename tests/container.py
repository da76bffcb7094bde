"""What an engine would make of the Dockerfile, without one: its steps in a bare root folder, and its process in there.

The root is an overlay in memory over this machine's files, or over the folder that KOUBOU_BARE_ROOT names, such as one
that debootstrap has made; in that one the package is installed by pip, as the Dockerfile says. Needs root.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from booted import PLAIN_ENVIRONMENT, why_not

PROJECT = Path(__file__).parents[1]
BARE_ROOT = os.environ.get("KOUBOU_BARE_ROOT", "/")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_OF_THE_NETWORK = re.compile(r"PIP_\w+|https?_proxy|no_proxy|\w*(?:CA_BUNDLE|CERT_FILE)", re.IGNORECASE)

__all__ = ["Container", "Instruction", "instructions", "why_not"]

Instruction = tuple[str, str]


def instructions(dockerfile: Path) -> list[list[Instruction]]:
    """Its stages, each a list of (word, rest)."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append((word, rest.strip()))
    return stages


class Container:
    """A root folder in a mount namespace of its own; a context manager that leaves nothing behind."""

    def __init__(self, binds: Mapping[str, str] | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="container-"))
        self.environment = dict(PLAIN_ENVIRONMENT)
        self.folder = "/"
        self._served: subprocess.Popen[bytes] | None = None
        (self._folder / "memory").mkdir()
        places = [word for pair in (binds or {}).items() for word in pair]
        self._keeper = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "sh", "-euc", _SETUP, "sh", str(self._folder), *places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LOWER": BARE_ROOT, "DEVICES": " ".join(_DEVICES)},
        )
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != b"ready\n":
            self.close()
            raise AssertionError("the root folder could not be made")

    @property
    def root(self) -> Path:
        """The files inside, as they are reached from outside."""
        return Path(f"/proc/{self._keeper.pid}/root{self._folder}/memory/root")

    def run(self, *words: str, check: bool = True, within: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command in the root folder, as root."""
        online = [f"{name}={value}" for name, value in os.environ.items() if _OF_THE_NETWORK.fullmatch(name)]
        inside = ["chroot", f"{self._folder}/memory/root", *self._env, *online, *words]
        done = subprocess.run(
            [*self._enter(self._keeper.pid), *inside],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{shlex.join(words)}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def write(self, place: str, text: str, mode: int = 0o644) -> None:
        """Put a file inside."""
        file = self.root / place.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def step(self, instruction: Instruction) -> None:
        """Do what one instruction says, as far as it is about files and settings of the image."""
        match instruction:
            case ("RUN", command):
                self.run("sh", "-ec", command)
            case ("ENV", pairs):
                self.environment.update(pair.split("=", 1) for pair in shlex.split(pairs))
            case ("WORKDIR", folder):
                self.folder = folder
                (self.root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case ("COPY", words) if not words.startswith("--from"):
                *sources, target = words.split()
                for source in sources:
                    self._copy(PROJECT / source, target)

    def serve(self, words: Sequence[str], user: str, volumes: Sequence[str]) -> int:
        """Start the image's process as the first of its own, on a read-only root; its pid as seen from here."""
        inside = ["chroot", f"--userspec={user}", "--groups=", f"{self._folder}/memory/root", *self._env]
        journal = (self._folder / "journal").open("wb")
        self._served = subprocess.Popen(
            [
                *(*self._enter(self._keeper.pid), "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"),
                *("sh", "-euc", _READ_ONLY, "sh", f"{self._folder}/memory", " ".join(volumes)),
                *(*inside, *words),
            ],
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=subprocess.STDOUT,
        )
        journal.close()
        self._wait_for("system.ready")
        children = Path(f"/proc/{self._served.pid}/task/{self._served.pid}/children").read_text().split()
        return int(children[0])

    def within(self, pid: int, user: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the process that is served, as `docker exec` does."""
        uid, gid = user.split(":")
        become = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        enter = ["nsenter", "--target", str(pid), "--mount", "--pid", "--root", "--wd"]
        return subprocess.run(
            [*enter, *become, *self._env, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def journal(self) -> str:
        """What the served process has printed."""
        return (self._folder / "journal").read_text(errors="replace")

    def stop(self, pid: int, signal: int) -> int:
        """Ask it to end, and wait; how it ended."""
        assert self._served is not None
        os.kill(pid, signal)
        return self._served.wait(60)

    def close(self) -> None:
        """End what runs, and take everything away."""
        if self._served is not None and self._served.poll() is None:
            self._served.kill()  # and with it everything inside: --kill-child
            self._served.wait()
        self._keeper.kill()
        self._keeper.wait()
        for stream in (self._keeper.stdin, self._keeper.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _env(self) -> list[str]:
        """What begins a command inside: the environment and the folder of the image, and no other."""
        return ["env", "-i", f"--chdir={self.folder}", *(f"{name}={value}" for name, value in self.environment.items())]

    def _enter(self, pid: int) -> list[str]:
        return ["nsenter", "--target", str(pid), "--mount"]

    def _copy(self, source: Path, target: str) -> None:
        place = self.root / (target if target.startswith("/") else f"{self.folder}/{target}").lstrip("/")
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place = place / source.name if target.endswith("/") or place.is_dir() else place
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)

    def _wait_for(self, event: str) -> None:
        deadline = time.monotonic() + 60
        while f'"{event}"' not in self.journal:
            assert self._served is not None
            assert self._served.poll() is None, f"it ended:\n{self.journal[-3000:]}"
            assert time.monotonic() < deadline, f"no {event}:\n{self.journal[-3000:]}"
            time.sleep(0.05)


def words_of(value: str) -> list[str]:
    """ENTRYPOINT, CMD and the like in their form of JSON."""
    words: list[str] = json.loads(value[value.index("[") :])
    return words


_SETUP = """
folder=$1; shift
mount -t tmpfs -o mode=755 tmpfs "$folder/memory"
cd "$folder/memory"; mkdir changes work root
mount -t overlay -o "lowerdir=$LOWER,upperdir=$folder/memory/changes,workdir=$folder/memory/work" overlay root
mount --rbind /proc root/proc
mount -t tmpfs -o mode=755 tmpfs root/dev
for device in $DEVICES; do touch "root/dev/$device"; mount --bind "/dev/$device" "root/dev/$device"; done
ln -s /proc/self/fd root/dev/fd
mkdir -m 1777 root/dev/shm; mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
mount -t tmpfs -o mode=1777 tmpfs root/tmp; mount -t tmpfs -o mode=755 tmpfs root/run
while [ $# -gt 0 ]; do mkdir -p "root$2"; mount --bind "$1" "root$2"; mount -o remount,bind,ro "root$2"; shift 2; done
echo ready
exec cat
"""
_READ_ONLY = """
memory=$1; volumes=$2; shift 2
for volume in $volumes; do
  mkdir -p "$memory/volumes$volume"; cp -a "$memory/root$volume/." "$memory/volumes$volume"
  chown --reference="$memory/root$volume" "$memory/volumes$volume"
  mount --bind "$memory/volumes$volume" "$memory/root$volume"
done
umount -l "$memory/root/proc"; mount -t proc proc "$memory/root/proc"
mount -o remount,ro,bind "$memory/root"
exec "$@"
"""
