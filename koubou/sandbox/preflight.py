"""Whether walls can be put up on this machine, tried and not believed; and what to do where they cannot."""

from __future__ import annotations

import subprocess
import tempfile

from koubou.sandbox.walls import HOME, NoWall, Walls, walled

_PATIENCE = 10.0
_TOLD = 200
_SWITCHES = (
    ("kernel/unprivileged_userns_clone", "0", "user namespaces are off: sysctl kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "no user namespace is allowed: sysctl user.max_user_namespaces=10000"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps bwrap from user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
_OTHERWISE = (
    "as a service, the unit needs RestrictNamespaces=user mnt pid net ipc uts cgroup, @mount in SystemCallFilter and "
    "AF_NETLINK in RestrictAddressFamilies; in a container, it must be allowed to make namespaces"
)


def why_not() -> str | None:
    """Why no program can be run within walls, with the remedy; None where it can. At worst it takes ten seconds.

    The answer holds until the machine or the unit is changed: ask once and keep it.
    """
    with tempfile.TemporaryDirectory(prefix="koubou-walls-") as folder:
        try:
            words = walled(("true",), Walls(work=folder, home=folder))
            done = subprocess.run(
                words,
                env={"PATH": "/usr/bin:/bin", "HOME": HOME},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=_PATIENCE,
                check=False,
            )
        except NoWall as trouble:
            return str(trouble)
        except subprocess.TimeoutExpired:
            return "bwrap does not come to an end: look at what this machine is busy with"
        except OSError as error:
            return f"bwrap cannot be started ({error.strerror}): apt-get install --reinstall bubblewrap"
    if done.returncode == 0:
        return None
    said = done.stderr.decode("utf-8", "replace").strip().removeprefix("bwrap: ")[:_TOLD]
    return f"bwrap does not work ({said or f'status {done.returncode}'}): {_remedy()}"


def _remedy() -> str:
    for switch, off, remedy in _SWITCHES:
        if _read(f"/proc/sys/{switch}") == off:
            return remedy
    return _OTHERWISE


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None
