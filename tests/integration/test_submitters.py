"""A submitter follows his own tasks as an operator would, though he may not read the board, and nobody else's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rehearsing import TIER
from workshop import KOUBOU, Workshop

from koubou.cli.waiting import Dropped, taken_in
from koubou.cli.watching import Watch
from koubou.errors import TaskFileError
from koubou.folders.access import let_read
from koubou.folders.layout import Layout
from koubou.views.draft import Draft
from koubou.views.workshop import Workshop as Shop

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

ALICE, BOB, GROUP = 54_321, 54_322, 54_320
SCRIPT = """\
- {match: fail on purpose, error: {status: 400, code: invalid_prompt}}
- {match: slowly, answer: Done in the end., latency: 5s, chunks: 5}
- {match: for ever, answer: Never., latency: 5m, chunks: 60}
- {answer: Forty-two.}
"""
DONE, FAILED, USAGE, BAD_TASK_FILE, NO_MASTER, TIMED_OUT, NOT_ALLOWED = 0, 1, 64, 65, 69, 75, 77


class Open(Workshop):
    """A workshop that a group of this machine may drop into, whether or not the machine knows its name."""

    def open_doors(self) -> None:
        layout = Layout(home=str(self.home))
        layout.ensure()
        for folder, mode in ((layout.tasks, 0o3730), (layout.run, 0o710)):
            os.chown(folder, -1, GROUP)
            os.chmod(folder, mode)
        for place in (self.folder, self.home):
            place.chmod(0o755)

    def start(self) -> Workshop:
        super().start()
        os.chown(self.home / "run" / "control.sock", -1, GROUP)
        os.chmod(self.home / "run" / "master.lock", 0o600)  # as the service's umask has it
        return self

    def become(self, uid: int, *words: str) -> Sequence[str]:
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", f"--groups={GROUP}"]
        return [*become, KOUBOU, *words]

    def by(self, uid: int, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb as somebody else says it."""
        return subprocess.run(
            self.become(uid, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=60,
            check=False,
        )

    def asked_by(self, uid: int, *words: str) -> Any:
        done = self.by(uid, *words, "--json")
        assert done.returncode == DONE, done.stderr
        return json.loads(done.stdout)

    def submitted(self, uid: int, prompt: str, *words: str) -> str:
        """The id of a task that was taken in."""
        done = self.by(uid, "submit", "--prompt", prompt, *words)
        assert (done.returncode, done.stderr) == (DONE, "")
        return done.stdout.strip()


def opened() -> Open:
    workshop = Open(None, tiers={"local": dict(TIER)}, routing=dict.fromkeys(("high", "medium", "low"), "local"))
    workshop.settings["tiers"]["local"]["script"] = str(workshop.folder / "script.yaml")
    (workshop.folder / "script.yaml").write_text(SCRIPT)
    workshop.write_settings()
    workshop.open_doors()
    if workshop.by(ALICE, "version").returncode != DONE:
        workshop.close()
        pytest.skip("another user may not run this Python")
    if not let_read(str(workshop.home / "secrets"), ALICE):
        workshop.close()
        pytest.skip("this file system has no access lists")
    return workshop


@pytest.fixture(scope="module")
def shop() -> Iterator[Open]:
    with opened() as workshop:
        workshop.start()
        yield workshop


@pytest.fixture(scope="module")
def answered(shop: Open) -> str:
    """A task of Alice's that has its answer."""
    task = shop.submitted(ALICE, "What is it?", "--title", "The question", "--id", "Answered")
    assert shop.by(ALICE, "wait", task).returncode == DONE
    return task


def test_she_may_not_read_the_board_itself(shop: Open) -> None:
    board = shop.home / "board" / "koubou.db"
    assert as_alice(lambda: not os.access(board, os.R_OK))


@pytest.mark.parametrize("words", [("show",), ("wait",), ("log",)], ids=str)
@pytest.mark.parametrize("more", [(), ("--json",)], ids=str)
def test_she_is_told_what_an_operator_is_told(
    shop: Open, answered: str, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    hers, operators = (by(*words, answered.lower(), *more) for by in (lambda *w: shop.by(ALICE, *w), shop.koubou))
    if words == ("log",) and more:  # how the answer came is for operators
        told, whole = json.loads(hers.stdout), json.loads(operators.stdout)
        assert told == {**whole, "record": None}
        return
    assert (hers.returncode, hers.stdout, hers.stderr) == (operators.returncode, operators.stdout, operators.stderr)
    assert hers.returncode == DONE
    assert "Answered" in hers.stdout or hers.stdout == "Forty-two.\n"


def test_an_answer_that_is_waited_for_is_printed(shop: Open) -> None:
    done = shop.by(ALICE, "submit", "--prompt", "What is it?", "--wait")
    assert (done.returncode, done.stdout) == (DONE, "Forty-two.\n")
    (result,) = shop.asked_by(ALICE, "submit", "--prompt", "And this?", "--wait")
    assert (result["answer"], result["status"]) == ("Forty-two.", "completed")


def test_a_failure_is_told_with_its_reason_and_exit_code(shop: Open) -> None:
    hers = shop.by(ALICE, "submit", "--prompt", "fail on purpose", "--id", "lost", "--wait")
    operators = shop.koubou("submit", "--prompt", "fail on purpose", "--id", "lost-too", "--wait")
    assert (hers.returncode, hers.stderr) == (FAILED, operators.stderr.replace("lost-too", "lost"))
    assert "lost failed: " in hers.stderr
    assert shop.by(ALICE, "wait", "lost").returncode == FAILED
    assert shop.asked_by(ALICE, "show", "lost")["error"]["class"] == shop.show("lost")["error"]["class"]
    unread = shop.by(ALICE, "log", "lost")
    assert (unread.returncode, unread.stdout) == (NOT_ALLOWED, "")
    assert "koubou show lost" in unread.stderr


def test_a_task_at_work_is_shown_waited_for_and_cancelled(shop: Open) -> None:
    task = shop.submitted(ALICE, "answer for ever")
    shop.wait_until(lambda: shop.show(task)["status"] == "in_progress", "it to be at work")
    seen = shop.asked_by(ALICE, "show", task)
    assert (seen["status"], seen["run"]) == ("in_progress", 1)
    late = shop.by(ALICE, "wait", task, "--timeout", "1s")
    assert (late.returncode, task in late.stderr) == (75, True)
    log = shop.by(ALICE, "log", task)
    assert (log.returncode, log.stderr.count("\n")) == (NOT_ALLOWED, 1)
    assert f"koubou wait {task}" in log.stderr
    assert shop.by(ALICE, "cancel", task).returncode == DONE
    assert shop.by(ALICE, "wait", task).stdout == f"{task} cancelled\n"


@pytest.mark.parametrize("wait", [(), ("--wait",)], ids=["at once", "waiting"])
def test_a_file_that_is_refused_is_told_with_its_reason(shop: Open, answered: str, wait: tuple[str, ...]) -> None:
    words = ("submit", "--prompt", "Something else", "--id", answered, *wait)
    hers, operators = shop.by(ALICE, *words), shop.koubou(*words)
    assert (hers.returncode, operators.returncode) == (BAD_TASK_FILE, BAD_TASK_FILE)
    assert f'a task with the id "{answered}" exists' in hers.stderr
    assert hers.stderr == operators.stderr


def test_who_waits_too_long_is_told_what_for_and_where_to_look(shop: Open) -> None:
    shop.koubou("pause", "--reason", "a word among operators")
    try:
        late = shop.by(ALICE, "submit", "--prompt", "What now?", "--wait", "--timeout", "2s")
    finally:
        shop.koubou("resume")
    assert late.returncode == TIMED_OUT, late.stderr
    assert "nothing starts: paused" in late.stderr
    assert "; koubou show " in late.stderr
    assert "operators" not in late.stderr


@pytest.mark.parametrize("verb", ["show", "wait", "log"])
def test_a_task_of_somebody_else_is_as_unknown_as_none(shop: Open, answered: str, verb: str) -> None:
    anothers, none = shop.by(BOB, verb, answered), shop.by(BOB, verb, "Anything")
    assert anothers.returncode == none.returncode == USAGE
    assert anothers.stderr.replace(answered, "Anything") == none.stderr
    assert anothers.stdout == none.stdout == ""


@pytest.mark.parametrize("words", [("list",), ("explain", "Answered"), ("follow", "Answered")], ids=str)
def test_verbs_that_need_the_whole_board_name_another(shop: Open, answered: str, words: tuple[str, ...]) -> None:
    done = shop.by(ALICE, *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (NOT_ALLOWED, "", 1)
    assert "of a task of yours koubou" in done.stderr
    assert f"koubou {words[0]} " in done.stderr


def test_where_she_may_not_read_her_answer_she_is_told_so(shop: Open) -> None:
    task = shop.submitted(ALICE, "What is it?")
    shop.output(task)
    folder = shop.home / "tasks" / "completed" / task
    os.removexattr(folder, "system.posix_acl_access")  # as where the file system has no such lists
    folder.chmod(0o700)
    done = shop.by(ALICE, "log", task)
    assert (done.returncode, done.stdout) == (NOT_ALLOWED, "")
    file = shop.folder / "again.yaml"
    file.write_text(f"id: {task}\nprompt: What is it?\n")
    again = shop.by(ALICE, "submit", str(file), "--wait")
    assert (again.returncode, again.stdout) == (DONE, "")
    assert "not for you to read" in again.stderr


def test_a_stranger_learns_nothing(shop: Open, answered: str) -> None:
    for words in (("show", answered), ("wait", answered), ("log", answered)):
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", KOUBOU, *words]
        done = subprocess.run(become, env=shop.environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (NOT_ALLOWED, "")
        assert "koubou-submit" in done.stderr


def test_without_a_master_files_wait_and_nothing_else_is_begun() -> None:
    with opened() as shop:
        (shop.home / "run" / "master.lock").touch(0o600)
        dropped = shop.by(ALICE, "submit", "--prompt", "What is it?", "--id", "mine")
        assert (dropped.returncode, dropped.stdout) == (DONE, "mine\n")
        assert "nobody serves" in dropped.stderr
        waited = shop.by(ALICE, "submit", "--prompt", "x", "--id", "not-mine", "--wait")
        assert waited.returncode == NO_MASTER
        assert "nothing was submitted" in waited.stderr
        assert len(shop.waiting_files) == 1
        assert shop.by(ALICE, "show", "mine").returncode == NO_MASTER
        shop.start()
        waiting = subprocess.Popen(
            shop.become(ALICE, "submit", "--prompt", "answer slowly", "--id", "slow", "--wait"),
            env=shop.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            at_work = "SELECT 1 FROM task_master WHERE task_id = 'slow' AND status = 'in_progress'"
            shop.wait_until(lambda: shop.sql(at_work), "it to be at work")
            shop.kill()
            assert waiting.stderr is not None
            while "waiting for a master" not in (line := waiting.stderr.readline()):
                assert line, "it gave up"
            shop.start()
            answer, told = waiting.communicate(timeout=60)
        finally:
            waiting.kill()
            waiting.wait()
        assert (waiting.returncode, answer) == (DONE, "Done in the end.\n"), told


class Nothing:
    """A board on which nothing ever comes."""

    def standing(self, ids: Sequence[str]) -> dict[str, Any]:
        return {}

    def identities(self, ids: Sequence[str]) -> dict[str, Any]:
        return {}


def as_alice(deed: Callable[[], bool]) -> bool:
    """What this comes to, tried in a process of hers."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            os.setgroups([GROUP])
            os.setgid(ALICE)
            os.setuid(ALICE)
            code = 0 if deed() else 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 1)
    return code == 0


@pytest.mark.parametrize(("mode", "known"), [(0o600, True), (None, False)], ids=["there, not for her", "not there"])
def test_a_refusal_whose_reason_she_may_not_read_is_told_as_one(mode: int | None, known: bool) -> None:
    with opened() as shop:
        reason = Path(Layout(home=str(shop.home)).rejected, "a.yaml.error.json")
        if mode is not None:
            reason.write_text("{}")
            reason.chmod(mode)
        draft = Draft(file="a.yaml", data=b"", suffix=".yaml", ids=("a",), digests=("d",))
        watch: Watch = Nothing()
        theirs = Shop(shop.config, {})

        def refused() -> bool:
            try:
                taken = taken_in(theirs, watch, [Dropped(draft=draft, name="a.yaml")], 0)
            except TaskFileError as error:
                return "a.yaml: it was not taken in" in str(error) and "operator" in str(error)
            return taken

        assert as_alice(refused) is known
