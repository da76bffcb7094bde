"""A real systemd for tests: booted in its own namespaces over this machine's files, and gone without a trace.

What is written inside goes into memory. Run as a program, this file is the first process inside and becomes systemd.
Needs root, overlayfs, a writable cgroup v2 tree and systemd itself; `why_not` says what is missing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

SYSTEMD = Path("/lib/systemd/systemd")
TOOLS = ("unshare", "nsenter", "mount", "pivot_root", "setpriv", "systemctl", "ip")
UP_WITHIN = 30.0
# Units of these are for machines with hardware, networks and users who log in.
UNWANTED_OF = ("sysinit", "local-fs", "basic", "sockets", "timers", "paths", "network-online", "multi-user")
WANTED = ("systemd-journald", "systemd-tmpfiles", "systemd-sysusers")
TARGET = """\
[Unit]
Description=What a service under test needs
Requires=systemd-journald.socket systemd-journald.service
AllowIsolate=yes
"""
PLAIN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "SYSTEMD_PAGER": "",
}


def why_not() -> str | None:
    """Why no systemd can be booted here; None when it can."""
    if os.geteuid() != 0:
        return "booting a systemd needs root"
    if not SYSTEMD.exists():
        return "systemd is not installed"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"{missing[0]} is not installed"
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        return "the kernel has no overlay file system (modprobe overlay)"
    tree = control_groups()
    if tree is None:
        return "there is no cgroup v2 tree"
    if not os.access(tree, os.W_OK) or os.statvfs(tree).f_flag & os.ST_RDONLY:
        return f"{tree} is read-only"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--cgroup", "--net", "--fork", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else "this machine lets nobody make namespaces"


def control_groups() -> Path | None:
    """Where the cgroup v2 tree is mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    return None


class Booted:
    """One running systemd. `binds` are folders of this machine that are seen inside under other names, read-only."""

    def __init__(self, binds: Mapping[str, str]) -> None:
        tree = control_groups()
        assert tree is not None
        self._folder = Path(tempfile.mkdtemp(prefix="booted-"))
        self._group = tree / self._folder.name
        self._group.mkdir()
        self._log = (self._folder / "log").open("wb")
        pairs = [word for pair in binds.items() for word in pair]
        enter = 'echo $$ > "$1" && shift && exec "$@"'
        first = [sys.executable, "-I", str(Path(__file__).resolve()), str(self._folder), *pairs]
        spaces = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child=KILL"]
        self._outer = subprocess.Popen(
            ["sh", "-c", enter, "sh", str(self._group / "cgroup.procs"), *spaces, *first],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._pid = 0
        try:
            self._wait_until_up()
        except BaseException:
            self.shut_down()
            raise

    @property
    def root(self) -> Path:
        """The files inside, as they are reached from outside."""
        return Path(f"/proc/{self._pid}/root")

    def run(
        self, *words: str, user: str | None = None, stdin: str | None = None, check: bool = True, within: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root or as a user with his groups. AssertionError when it fails and `check`."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        done = subprocess.run(
            [*self._enter(), *become, *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def say(self, *words: str, user: str | None = None) -> str:
        """What a command that succeeds prints."""
        return self.run(*words, user=user).stdout.strip()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command inside and do not wait for it."""
        return subprocess.Popen(
            [*self._enter(), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def write(self, place: str, text: str, mode: int = 0o644) -> None:
        """Put a file inside."""
        file = self.root / place.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def shut_down(self) -> None:
        """Power it off and take away what it left on this machine: its control groups."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGRTMIN + 4)  # poweroff.target, systemd(1)
            with suppress(subprocess.TimeoutExpired):
                self._outer.wait(10)
        if self._outer.poll() is None:
            self._outer.kill()  # and with it everything inside: --kill-child
            self._outer.wait()
        self._log.close()
        for folder, _, _ in os.walk(self._group, topdown=False):
            _remove_group(folder)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _enter(self) -> Sequence[str]:
        spaces = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wd"]
        plain = [f"{name}={value}" for name, value in PLAIN_ENVIRONMENT.items()]
        return ["nsenter", "--target", str(self._pid), *spaces, "env", "-i", *plain]

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + UP_WITHIN
        state = ""
        while state not in ("running", "degraded"):
            if self._outer.poll() is not None or time.monotonic() > deadline:
                told = (self._folder / "log").read_text(errors="replace")
                raise AssertionError(f"systemd did not come up ({state or 'no answer'}):\n{told}")
            children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
            # `sh` has become unshare by then; its one child is the first process inside.
            if children and "systemd" in _name(children[0]):
                self._pid = int(children[0])
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
            if state not in ("running", "degraded"):
                time.sleep(0.05)


def _name(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _remove_group(folder: str) -> None:
    for _ in range(100):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            return
        except OSError:  # its last processes are still being taken away
            time.sleep(0.02)
        else:
            return


def become_systemd(folder: str, *binds: str) -> None:
    """The first process inside: build a root of its own, move into it, and become systemd."""
    _mount("--make-rprivate", "/")
    memory = f"{folder}/memory"
    os.mkdir(memory)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", memory)
    root = f"{memory}/root"
    for name in ("changes", "work", "root"):
        os.mkdir(f"{memory}/{name}")
    layers = f"lowerdir=/,upperdir={memory}/changes,workdir={memory}/work"
    _mount("-t", "overlay", "-o", layers, "overlay", root)
    _furnish(root)
    for source, target in zip(binds[::2], binds[1::2], strict=True):
        os.makedirs(f"{root}{target}", exist_ok=True)
        _mount("--rbind", source, f"{root}{target}")
        _mount("-o", "remount,bind,ro", f"{root}{target}")
    _quieten(Path(root))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.mkdir(f"{root}/.before")
    os.chdir(root)
    subprocess.run(["pivot_root", ".", ".before"], check=True)
    os.chroot(".")
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/.before"], check=True)
    os.rmdir("/.before")
    # Credentials and private folders of services are mounts that must reach them.
    _mount("--make-rshared", "/")
    os.execve(
        SYSTEMD,
        ["systemd", "--system", "--unit=tested.target", "--show-status=false", "--log-target=journal"],
        {**PLAIN_ENVIRONMENT, "container": "koubou-tests"},
    )


def _furnish(root: str) -> None:
    """What every process expects: /proc, /sys with our part of the control groups, devices, /run and /tmp."""
    _mount("-t", "proc", "proc", f"{root}/proc")
    _mount("-t", "sysfs", "-o", "ro", "sysfs", f"{root}/sys")
    _mount("-t", "cgroup2", "cgroup2", f"{root}/sys/fs/cgroup")
    for place, mode in (("dev", "755"), ("run", "755"), ("tmp", "1777")):
        _mount("-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", f"{root}/{place}")
    for device in ("null", "zero", "full", "random", "urandom", "tty"):
        Path(f"{root}/dev/{device}").touch()
        _mount("--bind", f"/dev/{device}", f"{root}/dev/{device}")
    for folder in ("pts", "shm", "mqueue"):
        os.mkdir(f"{root}/dev/{folder}")
    _mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620,gid=5", "devpts", f"{root}/dev/pts")
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}/dev/shm")
    for name, target in (
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        os.symlink(target, f"{root}/dev/{name}")


def _quieten(root: Path) -> None:
    """A target that wants little, and none of what this machine starts."""
    own = root / "etc/systemd/system"
    own.mkdir(parents=True, exist_ok=True)
    (own / "tested.target").write_text(TARGET)
    for place in ("lib/systemd/system", "usr/lib/systemd/system", "etc/systemd/system", "run/systemd/system"):
        for target in UNWANTED_OF:
            for unit in (root / place / f"{target}.target.wants").glob("*"):
                if not unit.name.startswith(WANTED):
                    mask = own / unit.name
                    mask.unlink(missing_ok=True)
                    mask.symlink_to("/dev/null")
    (root / "etc/fstab").write_text("")
    (root / "etc/machine-id").unlink(missing_ok=True)
    (root / "etc/machine-id").write_text(f"{'5' * 32}\n")


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    become_systemd(*sys.argv[1:])
