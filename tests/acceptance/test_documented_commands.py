"""Every command of the README, of the tour and of the how-tos does what it says, in a real bash.

What must be otherwise here than for a reader stands in `INSTEAD`; what is not run at all in `NOT_RUN`, with its reason.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from booted import Booted
from documented import PROJECT, Command, commands, run
from lent_package import a_booted_machine, lend_compiled_rules
from simulator import Simulator
from workshop import API_KEY

HOW_TO = PROJECT / "docs" / "how-to"
BY_HAND = [PROJECT / "README.md", PROJECT / "docs" / "tour.md", HOW_TO / "first-openai-key.md", HOW_TO / "lm-studio.md"]
"""Pages of a person who tries it: each in a folder of its own, with a provider."""
WHILE_IT_IS_OPEN = [HOW_TO / "rows.md", HOW_TO / "report.md"]
"""Pages of a person who has an open workshop, as at the end of the README."""
WITH_A_WINDOW = [HOW_TO / "window.md", HOW_TO / "prometheus.md"]
"""The same with a window and a token of it."""
AS_A_SERVICE = [HOW_TO / f"{name}.md" for name in ("systemd", "backup-and-restore", "upgrade")]
"""Pages about the service: one after the other in one booted systemd."""

_DOWNLOADS = "downloads; scripts/check has installed it"
_NO_ENGINE = "there is no container engine; tests/acceptance/test_container.py runs its steps"
_NO_PROMETHEUS = "Prometheus is not here; tests/architecture/test_metrics_reference_is_current.py has promtool look"
NOT_RUN: Mapping[str, str] = {
    r"scripts/demo": "has a test of its own: test_demo.py",
    r"scripts/check": "is what runs this",
    r"scripts/install": _DOWNLOADS,
    r"koubou model get": _DOWNLOADS,
    r"git pull": "there is nothing to pull",
    r"lms .*": "LM Studio is a program with windows",
    r"docker .*": _NO_ENGINE,
    r"mkdir -p secrets .*|sudo install .* /srv/koubou": _NO_ENGINE,
    r"sudo apt-get install .*": "changes the machine",
    r"(sudo cp|sudo systemctl|printf|promtool) .*prometheus.*": _NO_PROMETHEUS,
    r".*board/backups.*|.*releases/OLD.*": "there is no older version here",
}

INSTEAD: Mapping[str, str] = {
    "server: embedded": "executor: rehearsal",
    "https://api.openai.com/v1": "{provider}/cloud/v1",
    "http://localhost:1234/v1": "{provider}/house/v1",
    "/tmp/koubou": "{folder}/home",
    "curl -N": "! timeout 3 curl -N",
    "koubou secret set openai": 'koubou secret set openai <<< "$PROVIDER_KEY"',
    "koubou serve": "(koubou serve >> serve.log 2>&1 &) ; await_ready",
    "sudo scripts/install --system": "sudo scripts/install --system --no-package",
    "sudoedit /etc/koubou/koubou.yaml": "cp /etc/rehearsal.yaml /etc/koubou/koubou.yaml",
}
"""A provider of the tests for one of the world, a file for what a person types, the background for another terminal."""

AWAIT_READY = """
await_ready() {
  for _ in $(seq 500); do tail -n 3 serve.log | grep -q '"system.ready"' && return; sleep 0.02; done
  cat serve.log; false
}
"""
OPEN = """
printf 'home: %s/home\\n%s' "$PWD" "$SETTINGS" > koubou.yaml
export KOUBOU_CONFIG=$PWD/koubou.yaml PATH=$PWD/.venv/bin:$PATH
(koubou serve >> serve.log 2>&1 &) ; await_ready
"""
OPEN_WITH_A_WINDOW = f"""{OPEN.replace("$SETTINGS", "$SETTINGS$WINDOW")}
until grep -q '"window.open"' serve.log; do sleep 0.02; done
export TOKEN=$(koubou token add reader --role submitter) CURL_HOME=$PWD
echo silent > .curlrc
printf 'id: hello\\nprompt: Say hello.\\n' > hello.yaml
sudo() {{ "$@"; }}
"""
PATIENCE = 300.0
STOP = """
for pid in $(jq -rR 'fromjson? | select(.event == "system.ready").pid' serve.log 2>/dev/null); do
  kill -TERM "$pid" 2>/dev/null && tail --pid="$pid" --follow /dev/null
done
"""
SUDO = """#!/bin/sh
[ "$1" = -u ] || exec "$@"
user=$2; shift 2
exec setpriv --reuid="$user" --regid="$user" --init-groups "$@"
"""
REHEARSAL = "tiers: {local: {reach: local, executor: rehearsal, price: {input: 0, output: 0}}}\n"


def is_run(command: Command) -> bool:
    return not any(re.fullmatch(words, command.bare.strip()) for words in NOT_RUN)


def in_place_of(text: str, provider: str = "", folder: str = "") -> str:
    for words, others in INSTEAD.items():
        text = text.replace(words, others.replace("{provider}", provider).replace("{folder}", folder))
    return text


@pytest.fixture(scope="module")
def provider() -> Iterator[Simulator]:
    with Simulator() as provider:
        provider.behave(answer="Bonjour.")
        yield provider


@pytest.fixture
def folder() -> Iterator[Path]:
    """A checkout as a reader has it, with a `.venv`; its home is short, for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="kb-", dir="/tmp"))
    for name in ("scripts", "examples", "etc"):
        (folder / name).symlink_to(PROJECT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("page", BY_HAND + WHILE_IT_IS_OPEN + WITH_A_WINDOW, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_it_says(page: Path, folder: Path, provider: Simulator) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KOUBOU_")},
        "KOUBOU_SECRETS__KEY_FILE": str(folder / "secret.key"),
        "PROVIDER_KEY": API_KEY,
        "SETTINGS": REHEARSAL,
        "WINDOW": "window: {listen: 127.0.0.1:8700}\n",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }

    def bash(script: str) -> str:
        with (folder / "told").open("w") as told:
            process = subprocess.Popen(
                ["bash", "-c", f"{script}\n{STOP}"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            with suppress(ProcessLookupError):  # whatever it has left behind
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return (folder / "told").read_text(errors="replace")

    wanted = [command for command in commands(page) if is_run(command)]
    answers = f"http://127.0.0.1:{provider.port}"
    ran = run(
        wanted,
        lambda text: in_place_of(text, answers, str(folder)),
        bash,
        AWAIT_READY
        + (OPEN if page in WHILE_IT_IS_OPEN else "")
        + (OPEN_WITH_A_WINDOW if page in WITH_A_WINDOW else ""),
    )
    complaints = [complaint for each in ran for complaint in each.complaints]
    assert not complaints, "\n\n".join(complaints)


@pytest.fixture(scope="module")
def machine() -> Iterator[Booted]:
    """A booted systemd with the package in it, and nothing installed."""
    with a_booted_machine() as machine:
        machine.write("/etc/rehearsal.yaml", REHEARSAL)
        machine.write("/usr/local/sbin/sudo", SUDO, mode=0o755)
        yield machine


def test_the_commands_about_the_service_do_what_they_say(machine: Booted) -> None:
    def bash(script: str) -> str:
        machine.write("/root/commands", script)
        told = machine.run("bash", "-c", "cd /root && exec bash /root/commands 2>&1", within=300, check=False)
        return told.stdout

    before = f"export USER=root PROVIDER_KEY={API_KEY}; ln -sfn /opt/checkout/scripts scripts"
    wanted = [command for page in AS_A_SERVICE for command in commands(page) if is_run(command)]
    start = next(number for number, command in enumerate(wanted) if "enable --now" in command.text)
    ran = run(wanted[:start], in_place_of, bash, before)
    lend_compiled_rules(machine)
    ran += run(wanted[start:], in_place_of, bash, before)
    complaints = [complaint for each in ran for complaint in each.complaints]
    assert not complaints, "\n\n".join(complaints)


def test_every_page_with_commands_is_run_and_every_exception_is_needed() -> None:
    pages = [PROJECT / "README.md", *sorted(HOW_TO.glob("*.md")), PROJECT / "docs" / "tour.md"]
    every = {page: commands(page) for page in pages}
    left = {
        page.name
        for page, found in every.items()
        if page not in BY_HAND + WHILE_IT_IS_OPEN + WITH_A_WINDOW + AS_A_SERVICE and any(map(is_run, found))
    }
    assert left == set(), "commands that nobody runs"
    texts = [command.bare.strip() for found in every.values() for command in found]
    assert [words for words in NOT_RUN if not any(re.fullmatch(words, text) for text in texts)] == []
    assert [words for words in INSTEAD if not any(words in text for text in texts)] == []
