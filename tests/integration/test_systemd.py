"""The service as it is installed, under a systemd that is booted for this file alone: one boot, about half a minute.

The installation is that of scripts/install; only the Python package is lent from this checkout instead of by pip.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booted import Booted
from lent_package import RELEASE, a_booted_machine, lend_compiled_rules

PROJECT = Path(__file__).parents[2]
HOME = "/var/koubou"
SCRIPT = """\
- {match: slowly, answer: Done in the end., latency: 3s, chunks: 6}
- {answer: Done.}
"""
SETTINGS = """\
tiers:
  local: {reach: local, executor: rehearsal, script: /etc/koubou/script.yaml, price: {input: 0, output: 0}}
"""
QUICK = """\
[Service]
WatchdogSec=2
TimeoutStopSec=2
RestartSec=100ms
"""


class Service:
    """koubou.service inside the booted machine."""

    def __init__(self, machine: Booted) -> None:
        self.machine = machine

    def ctl(self, *words: str, check: bool = True) -> str:
        return self.machine.run("systemctl", *words, check=check).stdout.strip()

    def asked(self, name: str) -> str:
        return self.ctl("show", "--value", "--property", name, "koubou.service")

    @property
    def pid(self) -> int:
        pid = int(self.asked("MainPID"))
        assert pid > 1, "it does not run"  # 0 would mean everybody in our own group
        return pid

    def kill(self, name: str) -> None:
        self.machine.run("kill", "-s", name, str(self.pid))

    def journal(self) -> str:
        return self.machine.say("journalctl", "--unit", "koubou", "--output", "cat", "--no-pager")

    def wait_until(self, fact: Callable[[], Any], what: str, within: float = 20) -> None:
        deadline = time.monotonic() + within
        while not fact():
            assert time.monotonic() < deadline, f"not within {within:g} s: {what}\n{self.journal()[-6000:]}"
            time.sleep(0.05)

    def wait_until_restarted(self, times: int) -> None:
        self.wait_until(
            lambda: self.asked("NRestarts") == str(times) and self.asked("ActiveState") == "active",
            f"{times} restarts",
        )

    def settle(self) -> None:
        """Running, with the good settings, and no failure remembered."""
        self.write_settings(SETTINGS)
        self.ctl("reset-failed", "koubou", check=False)
        done = self.machine.run("systemctl", "start", "koubou", check=False)
        assert done.returncode == 0, f"it does not start\n{self.journal()[-6000:]}"

    def write_settings(self, text: str) -> None:
        self.machine.write("/etc/koubou/koubou.yaml", text)

    def koubou(self, *words: str, user: str) -> str:
        return self.machine.say("koubou", *words, user=user)

    def submit(self, prompt: str, user: str) -> str:
        """The id of a task of this user."""
        return self.koubou("submit", "--prompt", prompt, user=user)

    def wait_for_answer(self, task: str) -> str:
        """Where the answer of a task is, once it is."""
        answer = f"{HOME}/tasks/completed/{task}/output.json"
        self.wait_until(lambda: self.is_there(answer), f"the answer of {task}")
        return answer

    def is_there(self, path: str) -> bool:
        return os.path.lexists(f"{self.machine.root}{path}")


@pytest.fixture(scope="module")
def machine() -> Iterator[Booted]:
    with a_booted_machine() as machine:
        for user in ("alice", "bob"):
            machine.run("useradd", "--create-home", user)
        yield machine


@pytest.fixture(scope="module")
def installed(machine: Booted) -> Service:
    service = Service(machine)
    machine.say("/opt/checkout/scripts/install", "--system", "--no-package")
    machine.write("/etc/koubou/script.yaml", SCRIPT)
    service.write_settings(SETTINGS)
    for user in ("alice", "bob"):
        machine.run("usermod", "--append", "--groups", "koubou-submit", user)
    machine.write("/etc/systemd/system/koubou.service.d/test.conf", QUICK)
    service.ctl("daemon-reload")
    lend_compiled_rules(machine)
    return service


@pytest.fixture
def service(installed: Service) -> Service:
    installed.settle()
    return installed


def test_installing_again_changes_nothing_and_keeps_what_the_operator_wrote(installed: Service) -> None:
    told = installed.machine.say("/opt/checkout/scripts/install", "--system", "--no-package")
    assert "write" not in told
    assert "link" not in told
    assert (installed.machine.root / "etc/koubou/koubou.yaml").read_text() == SETTINGS
    assert installed.is_there("/etc/systemd/system/koubou.service.d/test.conf")


def test_a_look_first_does_nothing(installed: Service) -> None:
    told = installed.machine.say("/opt/checkout/scripts/install", "--system", "--dry-run", "--agents", "--no-package")
    assert "would     write /etc/systemd/system/koubou.service.d/agents.conf" in told
    assert not installed.is_there("/etc/systemd/system/koubou.service.d/agents.conf")


def test_systemd_has_nothing_to_say_about_the_unit(installed: Service) -> None:
    done = installed.machine.run("systemd-analyze", "verify", "--man=no", "koubou.service")
    assert (done.stdout, done.stderr) == ("", "")


def test_it_is_started_when_it_can_work_and_says_how_it_stands(service: Service) -> None:
    assert '"event": "system.ready"' in service.journal()
    assert service.asked("StatusText").startswith("0 at work, 0 pending, 0 % of the month")
    assert service.machine.say("koubou", "status", user="koubou").startswith("/var/koubou  served")
    assert service.machine.say("readlink", "-f", "/run/koubou/control.sock") == f"{HOME}/run/control.sock"


def test_its_status_follows_its_work(service: Service) -> None:
    task = service.submit("answer slowly", user="alice")
    service.wait_until(lambda: service.asked("StatusText").startswith("1 at work"), "one at work")
    service.wait_for_answer(task)
    service.wait_until(lambda: service.asked("StatusText").startswith("0 at work"), "none at work")


def test_a_reload_takes_good_settings_and_keeps_the_old_ones_for_bad_ones(service: Service) -> None:
    before = service.pid
    service.write_settings(SETTINGS + "budget: {monthly: {usd: 0}}\n")
    service.ctl("reload", "koubou")
    service.wait_until(lambda: "no money this month" in service.asked("StatusText"), "the new limit in the status")
    service.write_settings("tires: {}\n")
    service.ctl("reload", "koubou")
    service.wait_until(lambda: "new settings refused" in service.asked("StatusText"), "the refusal in the status")
    service.wait_until(lambda: service.asked("ActiveState") == "active", "it to go on")
    service.settle()
    service.ctl("reload", "koubou")
    service.wait_until(lambda: service.asked("StatusText").endswith("spent"), "the good settings again")
    assert service.pid == before


def test_a_master_that_takes_no_turns_is_ended_and_started_anew(service: Service) -> None:
    service.kill("STOP")
    service.wait_until_restarted(1)
    told = service.machine.say("journalctl", "--unit", "koubou", "--no-pager")
    assert "Watchdog timeout" in told
    assert "Fatal Python error: Aborted" in told, "where it hung stands in the journal"


def test_a_master_that_is_killed_is_started_anew_and_loses_nothing(service: Service) -> None:
    before = int(service.asked("NRestarts"))
    task = service.submit("answer slowly", user="alice")
    service.wait_until(lambda: service.is_there(f"{HOME}/tasks/in_progress/{task}/runs/1"), "the task's first run")
    service.kill("KILL")
    service.wait_until_restarted(before + 1)
    service.wait_for_answer(task)


def test_a_stop_lets_calls_finish_beyond_its_time_and_leaves_no_stubborn_child(service: Service) -> None:
    task = service.submit("answer slowly", user="bob")
    service.wait_until(lambda: service.is_there(f"{HOME}/tasks/in_progress/{task}/runs/1"), "the task's first run")
    group = "/sys/fs/cgroup/system.slice/koubou.service/cgroup.procs"
    stubborn = f'echo $$ > {group}; trap "" TERM HUP INT; echo $$ > /tmp/stubborn; while :; do sleep 60; done'
    child = service.machine.start("setsid", "sh", "-c", stubborn)
    service.wait_until(lambda: service.is_there("/tmp/stubborn"), "the stubborn child")
    began = time.monotonic()
    service.ctl("stop", "koubou")
    assert time.monotonic() - began < 15
    assert service.asked("Result") == "success"
    assert child.wait(10) is not None
    assert service.is_there(f"{HOME}/tasks/completed/{task}/output.json"), "what was paid for was waited for"
    assert service.machine.run("pgrep", "--uid", "koubou", check=False).stdout == ""


def test_wrong_settings_are_said_and_not_tried_again(service: Service) -> None:
    service.ctl("stop", "koubou")
    service.write_settings("tires: {}\n")
    assert service.machine.run("systemctl", "start", "koubou", check=False).returncode != 0
    asked = {name: service.asked(name) for name in ("ActiveState", "ExecMainStatus", "NRestarts")}
    assert asked == {"ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}
    assert 'did you mean "tiers"' in service.journal() or "tiers" in service.journal()


def test_one_that_fails_at_every_start_is_given_up(service: Service) -> None:
    service.ctl("stop", "koubou")
    broken = "/etc/systemd/system/koubou.service.d/zz-broken.conf"
    service.machine.write(broken, "[Service]\nExecStart=\nExecStart=/bin/false\n")
    service.ctl("daemon-reload")
    service.machine.run("systemctl", "start", "koubou", check=False)
    service.wait_until(lambda: service.asked("ActiveState") == "failed", "it to be given up")
    assert int(service.asked("NRestarts")) <= 5
    assert "Start request repeated too quickly" in service.machine.say("journalctl", "--unit", "koubou", "--no-pager")
    service.machine.run("rm", broken)
    service.ctl("daemon-reload")


def test_the_credential_opens_the_kept_keys_for_the_service_and_for_nobody_else(service: Service) -> None:
    service.write_settings(
        SETTINGS + "  cloud: {reach: cloud, base_url: 'https://api.openai.com/v1', model: gpt-5, "
        "api_key: {secret: openai}}\n"
    )
    service.machine.run("koubou", "secret", "set", "openai", stdin="sk-0123456789abcdefghij\n")
    assert service.machine.say("stat", "--format=%a %U", "/etc/koubou/secret.key") == "600 root"
    service.ctl("restart", "koubou")
    tiers = json.loads(service.koubou("status", "--json", user="koubou"))["tiers"]
    assert tiers["cloud"]["unfit"] is None
    handed = "/run/credentials/koubou.service/koubou-key"
    service.machine.run("cmp", handed, "/etc/koubou/secret.key")
    service.machine.run("test", "-r", handed, user="koubou")
    for other in ("alice", "nobody"):
        assert service.machine.run("cat", handed, user=other, check=False).returncode != 0
    service.machine.run("koubou", "secret", "rm", "openai")


def test_submitters_drop_and_read_their_own_and_nothing_of_others(service: Service) -> None:
    task = service.submit("Say hello.", user="alice")
    answer = service.wait_for_answer(task)
    assert json.loads(service.machine.say("cat", answer, user="alice"))["answer"] == "Done."

    def may(user: str, *words: str) -> bool:
        return service.machine.run(*words, user=user, check=False).returncode == 0

    assert not may("bob", "cat", answer)
    assert not may("bob", "ls", f"{HOME}/tasks/completed/{task}")
    assert not may("alice", "sh", "-c", f"echo forged > {answer}")
    for folder in ("tasks", "tasks/completed", "board", "secrets", "run"):
        assert not may("bob", "ls", f"{HOME}/{folder}"), folder
    assert not may("bob", "cat", f"{HOME}/board/koubou.db")
    assert not may("nobody", "sh", "-c", f"echo 'prompt: x' > {HOME}/tasks/stranger.yaml")


def test_submitters_follow_their_own_tasks_and_are_told_nothing_of_others(service: Service) -> None:
    def by(user: str, *words: str) -> tuple[int, str, str]:
        done = service.machine.run("koubou", *words, user=user, check=False)
        return done.returncode, done.stdout, done.stderr

    assert by("alice", "submit", "--prompt", "Say hello.", "--id", "hers", "--wait") == (
        0,
        "Done.\n",
        "koubou: task hers\n",
    )
    assert by("alice", "show", "hers") == by("koubou", "show", "hers")
    assert by("alice", "wait", "hers") == (0, "hers completed\n", "")
    assert by("alice", "log", "hers") == (0, "Done.\n", "")
    code, _, told = by("alice", "submit", "--prompt", "Something else.", "--id", "hers")
    assert (code, "exists and asks for something else" in told) == (65, True)
    code, said, told = by("bob", "show", "hers")
    assert (code, said, told.replace("hers", "none")) == by("bob", "show", "none")
    assert code == 64
    service.ctl("stop", "koubou")
    code, _, told = by("alice", "submit", "--prompt", "Say hello.", "--id", "later", "--wait")
    assert (code, "nothing was submitted" in told) == (69, True)
    assert not any(name.startswith("prompt-") for name in os.listdir(f"{service.machine.root}{HOME}/tasks"))


def test_a_file_that_lies_there_is_not_read_replaced_or_removed_by_others(service: Service) -> None:
    service.ctl("stop", "koubou")  # so that it stays where it is
    lies = f"{HOME}/tasks/mine.yaml"
    service.machine.run("sh", "-c", f"umask 077; echo 'prompt: Say hello.' > {lies}; chmod 640 {lies}", user="alice")
    assert service.machine.say("stat", "--format=%a %U %G", lies) == "640 alice koubou-submit"
    for deed in (f"rm -f {lies}", f"echo 'prompt: other' > /tmp/other; mv -f /tmp/other {lies}", f"echo x > {lies}"):
        service.machine.run("sh", "-c", deed, user="bob", check=False)
    assert service.machine.say("cat", lies) == "prompt: Say hello."
    service.ctl("start", "koubou")
    service.wait_until(lambda: not service.is_there(lies), "it to be taken in")


def test_a_drop_folder_that_somebody_removed_is_made_anew_as_it_was(service: Service) -> None:
    modes = ("stat", "--format=%a %U %G", f"{HOME}/tasks")
    assert service.machine.say(*modes) == "3730 koubou koubou-submit"
    service.machine.run("rm", "-rf", f"{HOME}/tasks")
    service.wait_until(lambda: service.is_there(f"{HOME}/tasks/rejected"), "the folders to be made anew")
    assert service.machine.say(*modes) == "3730 koubou koubou-submit"
    service.wait_for_answer(service.submit("Say hello.", user="bob"))


def test_the_doctor_finds_an_installed_workshop_well(service: Service) -> None:
    answer = json.loads(service.machine.run("koubou", "doctor", "--json", check=False).stdout)
    wrong = [each for each in answer["checks"] if each["level"] == "error"]
    assert wrong == []
    levels = {each["name"]: each["level"] for each in answer["checks"]}
    for name in ("home", "modes", "submitters", "answers", "master", "socket", "unit fits", "pages", "claims"):
        assert levels[name] == "ok", (name, answer)
    assert levels["drop-ins"] == "note"


def test_the_doctor_tells_a_submitter_what_he_may_know(service: Service) -> None:
    done = service.machine.run("koubou", "doctor", "--json", user="alice", check=False)
    answer = json.loads(done.stdout)
    assert [each for each in answer["checks"] if each["level"] == "error"] == []
    levels = {each["name"]: each["level"] for each in answer["checks"]}
    assert levels["master"] == "ok", answer
    assert {levels["board"], levels["claims"]} == {"note"}, "he may not look there"


def test_the_doctor_sees_that_the_unit_does_not_fit_the_settings(service: Service) -> None:
    service.write_settings(SETTINGS + "embedded: {models_dir: /data/models}\n")
    answer = json.loads(service.machine.run("koubou", "doctor", "--json", check=False).stdout)
    [fits] = [each for each in answer["checks"] if each["name"] == "unit fits"]
    assert fits["level"] == "warning"


def test_with_the_drop_in_for_agents_it_works_as_before(service: Service) -> None:
    service.machine.say("/opt/checkout/scripts/install", "--system", "--no-package", "--agents")
    done = service.machine.run("systemd-analyze", "verify", "--man=no", "koubou.service")
    assert (done.stdout, done.stderr) == ("", "")
    service.ctl("restart", "koubou")
    assert service.asked("RestrictNamespaces") == "no", "all that a sandbox needs are allowed, which are all there are"
    assert service.asked("Delegate") == "yes"
    service.machine.run("rm", "-rf", f"{HOME}/tasks")
    service.wait_until(lambda: service.is_there(f"{HOME}/tasks/rejected"), "the folders to be made anew")
    service.wait_for_answer(service.submit("Say hello.", user="bob"))


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_sandbox_can_be_made_within_the_unit_and_its_drop_in_for_agents_and_not_without(service: Service) -> None:
    tried = "from koubou.sandbox.preflight import why_not as w; import sys; sys.exit(w())"
    lines = (service.machine.root / "etc/systemd/system/koubou.service").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("ExecStart", "ExecReload", "Type=", "Restart", "Runtime"))]
    head = f'[Service]\nType=oneshot\nExecStart={RELEASE}/bin/python -P -c "{tried}"'
    unit = "\n".join(head if line == "[Service]" else line for line in kept if "Watchdog" not in line)
    service.machine.write("/etc/systemd/system/walls.service", unit)
    service.ctl("daemon-reload")
    assert service.machine.run("systemctl", "start", "walls", check=False).returncode != 0
    drop_in = (PROJECT / "systemd" / "agents.conf").read_text()
    service.machine.write("/etc/systemd/system/walls.service.d/agents.conf", drop_in)
    service.ctl("daemon-reload")
    done = service.machine.run("systemctl", "start", "walls", check=False)
    said = service.machine.say("journalctl", "--unit", "walls", "--output", "cat", "--no-pager")
    assert done.returncode == 0, said[-2000:]


def test_uninstalling_keeps_the_work_and_purging_keeps_nothing(service: Service) -> None:
    service.machine.run("/opt/checkout/scripts/uninstall")
    assert service.asked("LoadState") == "not-found" or not service.is_there("/etc/systemd/system/koubou.service")
    assert not service.is_there("/opt/koubou")
    assert service.is_there(f"{HOME}/board/koubou.db")
    assert service.is_there("/etc/koubou/koubou.yaml")
    assert service.is_there("/etc/systemd/system/koubou.service.d/test.conf"), "the operator's own lines"
    service.machine.run("/opt/checkout/scripts/uninstall", "--purge")
    assert not service.is_there(HOME)
    assert not service.is_there("/etc/koubou")
    assert service.machine.run("id", "koubou", check=False).returncode != 0
    assert "koubou" not in (service.machine.root / "etc/group").read_text()
