"""The package of this checkout, lent to a machine that is booted for tests, in place of what pip would install."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from booted import Booted, why_not
from compiled_rules import compiled_rules
from container import Container

PROJECT = Path(__file__).parents[1]
RELEASE = "/opt/koubou/releases/tests"
HIDDEN_FROM_SERVICES = ("/root/", "/home/", "/run/user/")


def a_python() -> str | None:
    """A Python like ours that a service may read."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = str(Path(sys.base_prefix, "bin", name).resolve())
    found = [place for place in (own, f"/usr/bin/{name}", f"/usr/local/bin/{name}") if Path(place).exists()]
    return next((place for place in found if not place.startswith(HIDDEN_FROM_SERVICES)), None)


@contextmanager
def a_booted_machine() -> Iterator[Booted]:
    """A booted systemd with the package in it, and nothing installed; where there can be none the test is skipped."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    python = a_python()
    if python is None:
        pytest.skip("no Python like ours outside of /root and /home, where a service may not read")
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    machine = Booted({str(PROJECT): "/opt/checkout", libraries: "/opt/libraries"})
    try:
        lend_package(machine, python)
        yield machine
    finally:
        machine.shut_down()


def lend_package(machine: Booted | Container, python: str) -> None:
    """What pip would have made: a virtual environment with the package in it."""
    place = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    machine.write(f"{RELEASE}/pyvenv.cfg", f"home = {Path(python).parent}\ninclude-system-site-packages = false\n")
    machine.write(f"{RELEASE}/{place}/lent.pth", "/opt/libraries\n")
    shutil.copytree(PROJECT / "koubou", machine.root / RELEASE.lstrip("/") / place / "koubou")
    machine.write(
        f"{RELEASE}/bin/koubou",
        f"#!{RELEASE}/bin/python -P\nimport sys\nfrom koubou.cli.main import main\nsys.exit(main())\n",
        mode=0o755,
    )
    machine.run("ln", "-s", python, f"{RELEASE}/bin/python")
    machine.run("ln", "-s", "releases/tests/bin", "/opt/koubou/bin")


def lend_compiled_rules(machine: Booted) -> None:
    """Spare the service the seconds in which its secret scanner compiles its rules."""
    machine.run("install", "-d", "-o", "koubou", "-g", "koubou", "-m", "755", "/var/cache/koubou")
    shutil.copytree(compiled_rules(), machine.root / "var/cache/koubou/rules")
    machine.run("chown", "-R", "koubou:koubou", "/var/cache/koubou/rules")
