"""The Dockerfile and the compose file, as far as they can be tried without an engine; see docs/how-to/container.md."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from container import BARE_ROOT, PROJECT, Container, Instruction, instructions, why_not, words_of
from lent_package import a_python, lend_package

DOCKERFILE = PROJECT / "Dockerfile"
COMPOSE = PROJECT / "compose.yaml"
BIN = Path(sys.executable).parent
REHEARSAL = "home: /var/koubou\ntiers: {local: {reach: local, executor: rehearsal, price: {input: 0, output: 0}}}\n"
BUILT, IMAGE = instructions(DOCKERFILE)
ABOUT = dict(IMAGE)
USER = ABOUT["USER"]


def test_the_dockerfile_passes_the_lint() -> None:
    done = subprocess.run([BIN / "hadolint", DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("profile", ["", "watch"])
def test_compose_takes_the_compose_file(profile: str) -> None:
    words = [BIN / "docker-compose", "--file", COMPOSE, "--profile", profile, "config", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "prometheus" in json.loads(done.stdout)["services"] or not profile


def test_compose_gives_the_workshop_no_more_than_it_needs() -> None:
    workshop = yaml.safe_load(COMPOSE.read_text())["services"]["koubou"]
    assert (workshop["read_only"], workshop["cap_drop"]) == (True, ["ALL"])
    assert "no-new-privileges:true" in workshop["security_opt"]
    assert all(port.startswith("127.0.0.1:") for port in workshop["ports"])
    volumes = words_of(ABOUT["VOLUME"])
    assert set(volumes) <= {mounted.split(":")[1] for mounted in workshop["volumes"]}


def test_the_settings_of_the_image_are_settings(tmp_path: Path) -> None:
    words = [BIN / "koubou", "check", "--config", PROJECT / "etc" / "container.yaml", "--set", f"home={tmp_path}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert "credential openai" in done.stdout + done.stderr
    assert done.returncode in (0, 1)


def test_what_the_dockerfile_copies_is_sent_to_the_engine() -> None:
    sent = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for word, rest in [*BUILT, *IMAGE] if word == "COPY" for source in rest.split()[:-1]}
    assert copied - {"--from=built", "/opt/koubou"} == sent
    assert all((PROJECT / source).exists() for source in sent)


@pytest.fixture(scope="module")
def image() -> Iterator[Container]:
    """A root folder after the steps of the Dockerfile."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    bare = BARE_ROOT != "/"
    python = None if bare else a_python()
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    with Container({} if bare else {libraries: "/opt/libraries"}) as image:
        if bare:
            for instruction in BUILT:
                image.step(instruction)
            image.environment.pop("PIP_NO_CACHE_DIR", None)
        elif python is None:
            pytest.skip("no Python like ours outside of /root and /home, where the user of the image may not read")
        else:
            lend_package(image, python)  # in place of the first stage
        for instruction in IMAGE:
            _take(image, instruction)
        image.write("/etc/koubou/koubou.yaml", REHEARSAL)
        yield image


def _take(image: Container, instruction: Instruction) -> None:
    word, command = instruction
    if word == "RUN" and "apt-get" in command and image.run("apt-get", "update", "-qq", check=False).returncode != 0:
        pytest.skip("Debian's packages cannot be had here")
    image.step(instruction)


@pytest.mark.slow
def test_the_image_serves_as_its_user_on_a_read_only_root(image: Container) -> None:
    volumes = words_of(ABOUT["VOLUME"])
    pid = image.serve([*words_of(ABOUT["ENTRYPOINT"]), *words_of(ABOUT["CMD"])], USER, volumes)
    status = Path(f"/proc/{pid}/status").read_text()
    assert re.search(r"^Uid:\s+(\d+)\s+\1", status, re.MULTILINE)[1] == USER.split(":")[0]  # type: ignore[index]
    assert Path(f"/proc/{pid}/comm").read_text() == "tini\n"

    for place in ("/etc/koubou", "/opt/koubou", "/usr", "/"):
        assert "Read-only" in image.within(pid, "0:0", "touch", f"{place}/here").stderr
    healthy = image.within(pid, USER, *words_of(ABOUT["HEALTHCHECK"]))
    assert healthy.returncode == 0, healthy.stderr
    done = image.within(pid, USER, "koubou", "submit", "--id", "hello", "--prompt", "Say hello.", "--wait")
    assert (done.returncode, done.stdout) == (0, "This is a rehearsal: no model was asked.\n"), done.stderr
    assert json.loads(image.within(pid, USER, "cat", "/var/koubou/tasks/completed/hello/output.json").stdout)
    assert image.within(pid, USER, "bwrap", "--version").stdout.startswith("bubblewrap")

    # Nobody waits for this one's child but the first process.
    image.within(pid, USER, "sh", "-c", "sh -c 'sleep 0.1' & exit")
    image.within(pid, USER, "sleep", "0.5")
    states = image.within(pid, USER, "sh", "-c", "cat /proc/[0-9]*/stat").stdout
    assert not re.search(r"^\d+ \(\w+\) Z", states, re.MULTILINE)

    assert image.stop(pid, getattr(signal, ABOUT["STOPSIGNAL"])) == 0
    assert '"system.stopped"' in image.journal
