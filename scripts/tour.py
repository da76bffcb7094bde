"""Drop task files into a workshop of their own, and show what happens to them; the second half of scripts/demo."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

KOUBOU = Path(sys.executable).with_name("koubou")
WIDTH = min(shutil.get_terminal_size().columns, 100)
COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ
PATIENCE = 240.0

Line = dict[str, Any]


def main() -> int:
    """Show the way of every file in the folder that is given; 0 when all of them were answered."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    files = sorted(Path(sys.argv[1]).glob("*.yaml"))
    home = Path(tempfile.mkdtemp(prefix="koubou-demo-"))
    workshop = Workshop(home)
    try:
        return show(workshop, files)
    except KeyboardInterrupt:
        say(f"\n{dim('stopped')}")
        return 130
    finally:
        workshop.close()
        shutil.rmtree(home, ignore_errors=True)


def show(workshop: Workshop, files: list[Path]) -> int:
    """The tour itself."""
    say(f"\n{bold('工房 Koubou')}  a workshop for language-model work\n")
    say(f"  home   {workshop.home}  {dim('(removed at the end)')}")
    say(f"  model  on this machine, served by the workshop itself  {dim('(no key, nothing leaves the house)')}\n")
    if not workshop.is_ready():
        say(f"The workshop did not start:\n{workshop.errors()}", to=sys.stderr)
        return 1
    say(f"{bold('Drop')} {len(files)} files into tasks/")
    for file in files:
        say(f"  {file.name:<24} {dim(first_comment(file))}")
    say()
    tasks = watch(workshop, files)
    say(f"\n{bold('Answers')}  {dim('tasks/completed/<task>/output.json')}\n")
    answers = [workshop.record(task) for task in tasks]
    for answer in answers:
        show_answer(answer)
    show_ledger(workshop, answers)
    say(f"{bold('Next')}  README.md has a tour, a task file with every key, and how to add a provider.\n")
    return 0 if answers and all(answer["status"] == "completed" for answer in answers) else 1


def watch(workshop: Workshop, files: list[Path]) -> list[str]:
    """Drop the files and tell each step of each task; their ids in the order in which they ended."""
    began = time.monotonic()
    taken: dict[str, float] = {}
    ended: list[str] = []
    for file in files:
        workshop.drop(file)
    for line in workshop.lines(until=began + PATIENCE):
        task, now = str(line.get("task", "")), time.monotonic() - began
        match line.get("event"):
            case "task.enqueued":
                taken[task] = now
                tell(now, "·", task, "taken in")
            case "task.classified":
                if line.get("sensitivity") == "confidential":
                    tell(now, "!", task, "confidential: only a local tier may answer")
            case "task.parked":
                tell(now, "·", task, str(line.get("reason", "waits")))
            case "task.started":
                tell(now, "▸", task, f"at work on tier {line.get('tier', '')}")
            case "task.completed":
                ended.append(task)
                tell(now, "✓", task, "answered")
            case "task.failed" | "task.cancelled":
                ended.append(task)
                tell(now, "✗", task, f"{line['event'].removeprefix('task.')}: {line.get('reason', '')}")
            case "task.rejected":
                tell(now, "✗", str(line.get("file", task)), f"rejected: {line.get('reason', '')}")
        if taken and len(ended) == len(taken) and not workshop.has_files_waiting():
            break
    return ended


def show_answer(answer: Mapping[str, Any]) -> None:
    """One answer with where it was made, wrapped to the terminal."""
    where = f"tier {answer.get('tier')}, {answer.get('sensitivity')}, {answer.get('difficulty')} difficulty"
    say(f"  {bold(str(answer['task']))}  {dim(where)}")
    text = str(answer.get("answer") or answer.get("error", {}).get("message", "no answer")).strip()
    for paragraph in text.splitlines():
        for line in textwrap.wrap(paragraph, WIDTH - 6) or [""]:
            say(f"  {dim('│')} {line}")
    say()


def show_ledger(workshop: Workshop, answers: list[Line]) -> None:
    """What each task used and cost, and how the month stands."""
    say(f"{bold('Ledger')}  {dim('koubou budget status')}\n")
    say(dim(f"  {'task':<20}{'tokens in':>12}{'out':>8}{'cost':>10}"))
    for answer in answers:
        usage = answer.get("usage") or {}
        tokens = f"{usage.get('input_tokens', 0):>12,}{usage.get('output_tokens', 0):>8,}"
        say(f"  {answer['task']:<20}{tokens}{dollars(answer.get('cost_usd', 0)):>10}")
    for account in workshop.ask("budget", "status")["accounts"]:
        if account["name"].startswith("month:") and account["dimension"] == "usd":
            spent, limit = dollars(account["settled_usd"]), dollars(account["limit_usd"])
            say(f"\n  {account['name']}: {spent} of {limit} spent, {dollars(account['held_usd'])} held\n")


class Workshop:
    """A master in a home of its own, with the embedded model as its one tier."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "koubou.yaml"
        local = {
            "reach": "local",
            "server": "embedded",
            "price": {"input": 0, "output": 0},
            "max_output_tokens": 200,
            "min_output_tokens": 50,
            "retry_delay": "1s",
        }
        # JSON is YAML too.
        self.config.write_text(json.dumps({"home": str(home / "workshop"), "tiers": {"local": local}}))
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("KOUBOU_")}
        self._lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        self._stderr = (home / "stderr").open("w+")
        # A session of its own: Ctrl-C is for this program, which then stops the workshop in good order.
        self._master = subprocess.Popen(
            [KOUBOU, "serve", "--config", self.config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=self.environment,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._master.stdout is not None
        for line in self._master.stdout:
            if line.startswith("{"):
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def lines(self, until: float) -> Iterator[Line]:
        """What the master says, until then or until it ends."""
        while (left := until - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                return
            if line is None:
                return
            yield line

    def is_ready(self) -> bool:
        """Wait until dropped files are being taken."""
        return any(line.get("event") == "system.ready" for line in self.lines(until=time.monotonic() + 60))

    def drop(self, file: Path) -> None:
        """Put a copy of a file into tasks/, in one step."""
        tasks = self.home / "workshop" / "tasks"
        draft = tasks / f".{file.name}.tmp"
        shutil.copyfile(file, draft)
        draft.rename(tasks / file.name)

    def has_files_waiting(self) -> bool:
        """Whether a dropped file has not been taken in yet."""
        return any(path.suffix == ".yaml" for path in (self.home / "workshop" / "tasks").iterdir())

    def record(self, task: str) -> Line:
        """output.json or error.json of a task that has ended."""
        paths = [
            self.home / "workshop" / "tasks" / "completed" / task / "output.json",
            self.home / "workshop" / "tasks" / "failed" / task / "error.json",
        ]
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for path in paths:
                if path.exists():
                    record: Line = json.loads(path.read_text())
                    return record
            time.sleep(0.01)
        return {"task": task, "status": "lost"}

    def ask(self, *words: str) -> Any:
        """What a verb says with --json."""
        command = [str(KOUBOU), *words, "--json", "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=True)
        return json.loads(done.stdout)

    def errors(self) -> str:
        """What the master wrote to standard error."""
        return (self.home / "stderr").read_text()

    def close(self) -> None:
        """Ask the master to end; twice, so that it does not wait for answers that nobody wants any more."""
        for patience in (5, 15):
            if self._master.poll() is not None:
                break
            self._master.terminate()
            try:
                self._master.wait(patience)
            except subprocess.TimeoutExpired:
                continue
        if self._master.poll() is None:
            self._master.kill()
            self._master.wait()
        self._stderr.close()


def first_comment(file: Path) -> str:
    """What the first line of an example says of it."""
    first = file.read_text().splitlines()[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def tell(at: float, sign: str, task: str, what: str) -> None:
    colour = {"✓": "32", "✗": "31", "!": "33"}.get(sign)
    say(f"  {dim(f'{at:6.1f} s')}  {paint(sign, colour) if colour else sign} {task:<20} {what}")


def dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount == 0 or amount >= 0.01 else f"${amount:.6f}"


def paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if COLOURED else text


def bold(text: str) -> str:
    return paint(text, "1")


def dim(text: str) -> str:
    return paint(text, "2")


def say(text: str = "", to: TextIO = sys.stdout) -> None:
    print(text, file=to, flush=True)


if __name__ == "__main__":
    sys.exit(main())
