"""A workshop as its users see it: a folder, a command line, lines on standard output, and a board that is only read.

Nothing here imports the product. What acceptance and crash tests, and the benchmarks, know of it is design and README.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import psutil
import warm
import yaml
from compiled_rules import compiled_rules
from simulator import Simulator
from warm import KOUBOU

API_KEY = "provider-key-of-the-tests"
READY_WITHIN = 30.0
STOPPED_WITHIN = 30.0
STARTUP_MARK = "WORKSHOP_MARK"

T = TypeVar("T")


def a_tier(provider: Simulator, door: str, model: str, **changes: Any) -> dict[str, Any]:
    """A tier of the settings that this provider answers, every word of it said; `cloud` and `house` are its doors."""
    local = door == "house"
    tier: dict[str, Any] = {
        "reach": "local" if local else "cloud",
        "provider": "openai",
        "executor": "chat",
        "base_url": provider.door(door),
        "model": model,
        "context_tokens": 128_000,
        "max_output_tokens": 2_000,
        "min_output_tokens": 100,
        "timeout": "30s",
        "rate": {"requests_per_minute": None, "tokens_per_minute": None},
        "retries": 5,
        "retry_delay": "50ms",
        "workers": {"min": 0, "max": 1},
        "concurrency": 16,
        "fallback": None,
        "price": {"input": 0, "output": 0} if local else {"input": 1.25, "output": 10, "cached_input": 0.125},
    }
    if not local:
        tier["api_key"] = {"env": "PROVIDER_KEY"}
    return {**tier, **changes}


def three_tiers(provider: Simulator) -> dict[str, Any]:
    """The tiers of the shipped settings by name."""
    return {
        "gpt5_high": a_tier(provider, "cloud", "gpt-5"),
        "gpt5_medium": a_tier(provider, "cloud", "gpt-5"),
        "local": a_tier(provider, "house", "house-model"),
    }


def the_settings(provider: Simulator | None, home: Path, **changes: Any) -> dict[str, Any]:
    """Settings with the three shipped tiers, all answered by this provider; `changes` replace whole keys.

    Without a provider the changes must name the tiers.
    """
    tiers = {} if provider is None else three_tiers(provider)
    settings: dict[str, Any] = {
        "home": str(home),
        "tiers": tiers,
        "routing": {"high": "gpt5_high", "medium": "gpt5_medium", "low": "local"},
        "budget": {"monthly": {"usd": 1000}, "daily": {"usd": None}},
        "log": {"format": "json", "level": "info"},
    }
    return {**settings, **changes}


class Workshop:
    """One home, one settings file, and the master that serves them; a context manager that leaves nothing behind."""

    def __init__(self, provider: Simulator | None, under: Path | None = None, **changes: Any) -> None:
        """`under` is a folder of the caller's, who removes it with all that is in it."""
        # Sockets may have paths of 108 bytes, so the home has a short one.
        self.folder = Path(tempfile.mkdtemp(prefix="kb-", dir=under or "/tmp"))
        self._to_be_removed = under is None
        self.home = self.folder / "home"
        self.config = self.folder / "koubou.yaml"
        self.program = Path(KOUBOU)
        self._provider = provider
        self.settings = the_settings(provider, self.home, **changes)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KOUBOU_")},
            "KOUBOU_CONFIG": str(self.config),
            "PROVIDER_KEY": API_KEY,
            STARTUP_MARK: self.folder.name,
        }
        self.lines: list[dict[str, Any]] = []
        self.stray_output: list[str] = []
        self.process: subprocess.Popen[bytes] | warm.Process | None = None
        self._reader: threading.Thread | None = None
        self._may_read = threading.Event()
        self._may_read.set()
        self._seen: dict[int, psutil.Process] = {}
        self.write_settings()

    @property
    def provider(self) -> Simulator:
        """Who answers its models."""
        assert self._provider is not None, "this workshop has no provider"
        return self._provider

    # The master

    def write_settings(self, settings: Mapping[str, Any] | str | None = None) -> None:
        """Put these settings (or the own ones) into the file; a text is written as it is."""
        text = settings if isinstance(settings, str) else yaml.safe_dump(settings or self.settings, sort_keys=False)
        self.config.write_text(text)

    def start(self) -> Workshop:
        """Start the master and wait until dropped files are being taken."""
        self.launch()
        self.wait_for_event("system.ready", within=READY_WITHIN)
        return self

    def launch(self, *, anew: bool = False) -> None:
        """Start the master and do not wait; `anew` not by a fork, so that it has yet to load its modules."""
        self.lines, self.stray_output = [], []
        self._lend_compiled_rules()
        words = [str(self.program), "serve", "--config", str(self.config)]
        theirs, ours = os.pipe()
        with (self.folder / "stderr").open("ab") as errors, open(ours, "wb") as said, open(os.devnull, "rb") as nothing:
            if not anew and str(self.program) == KOUBOU and warm.is_fit_for(self.environment):
                files = (nothing, said, errors)
                self.process = warm.Process(words, self.environment, self.folder, files, session=True)
            else:
                self.process = subprocess.Popen(
                    words,
                    stdin=nothing,
                    stdout=said,
                    stderr=errors,
                    env=self.environment,
                    cwd=self.folder,
                    start_new_session=True,
                )
        self._reader = threading.Thread(target=self._read_lines, args=(theirs, self.lines), daemon=True)
        self._reader.start()

    def _lend_compiled_rules(self) -> None:
        own = self.home / "run" / "rules"
        if not own.exists():
            shutil.copytree(compiled_rules(), own)

    def _read_lines(self, descriptor: int, lines: list[dict[str, Any]]) -> None:
        with open(descriptor, "rb") as said:
            for line in said:
                self._may_read.wait()
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    self.stray_output.append(line.decode(errors="replace"))

    def signal(self, number: int) -> None:
        """Send the master a signal."""
        self.notice_processes()
        self._master.send_signal(number)

    def exit_code(self, within: float = STOPPED_WITHIN) -> int:
        """Wait for the master to end; how it ended."""
        try:
            code = self._master.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the master did not end within {within:g} s\n{self.told()}") from None
        if self._reader is not None:
            self._reader.join(5)
        return code

    def stop(self) -> int:
        """Ask the master to end as systemd does, and wait; how it ended."""
        self.signal(signal.SIGTERM)
        return self.exit_code()

    def stop_twice(self, within: float) -> int:
        """Ask the master to end, and once more as soon as it drains: calls under way are cut; how it ended."""
        self.signal(signal.SIGTERM)
        self.wait_for_event("system.draining")
        self.signal(signal.SIGTERM)
        return self.exit_code(within=within)

    def kill(self) -> None:
        """End the master as the kernel does when memory runs out: at once, with no word."""
        self.signal(signal.SIGKILL)
        self.exit_code()

    def pause_reading(self) -> None:
        """Leave the master's standard output unread until `read_on`."""
        self._may_read.clear()

    def read_on(self) -> None:
        """Read standard output again."""
        self._may_read.set()

    def reload(self) -> None:
        """Write the settings as they stand now and have the master read them; waits until it says so."""
        before = len(self.lines)
        self.write_settings()
        self.signal(signal.SIGHUP)
        self.wait_until(
            lambda: any(str(line.get("event")).startswith("system.reload") for line in self.lines[before:]),
            "a word about the new settings",
        )

    @property
    def _master(self) -> subprocess.Popen[bytes] | warm.Process:
        assert self.process is not None, "the workshop was never started"
        return self.process

    # The folder

    def drop(self, name: str, content: str | bytes | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Put a task file into tasks/ in one step. A mapping becomes one document, a list of them several."""
        draft = self.home / "tasks" / f".{name}.tmp"
        draft.write_bytes(as_file(name, content))
        draft.rename(self.home / "tasks" / name)

    def drop_all(self, files: Mapping[str, Any]) -> None:
        """Drop many at once: all are written first and then renamed one right after the other."""
        for name, content in files.items():
            (self.folder / name).write_bytes(as_file(name, content))
        for name in files:
            (self.folder / name).rename(self.home / "tasks" / name)

    @property
    def completed(self) -> set[str]:
        """Ids of the tasks whose answer is there."""
        return {path.parent.name for path in self.home.glob("tasks/completed/*/output.json")}

    @property
    def failed(self) -> set[str]:
        """Ids of the tasks whose error is there, cancelled ones too."""
        return {path.parent.name for path in self.home.glob("tasks/failed/*/error.json")}

    @property
    def rejected(self) -> set[str]:
        """Names of the files that were refused with a reason."""
        return {path.name.removesuffix(".error.json") for path in self.home.glob("tasks/rejected/*.error.json")}

    @property
    def waiting_files(self) -> set[str]:
        """Names of the visible files in tasks/ that nobody has taken."""
        return {path.name for path in (self.home / "tasks").iterdir() if path.is_file() and path.name[0] != "."}

    def output(self, task: str) -> dict[str, Any]:
        """output.json of a task; waits for it."""
        return self._record(self.home / "tasks/completed" / task / "output.json", task)

    def error(self, task: str) -> dict[str, Any]:
        """error.json of a task; waits for it."""
        return self._record(self.home / "tasks/failed" / task / "error.json", task)

    def refusal(self, name: str) -> dict[str, Any]:
        """The reason why a file was refused; waits until the file, which is moved last, lies beside it."""
        self.wait_until(lambda: os.path.lexists(self.home / "tasks/rejected" / name), f"{name} in rejected/")
        return self._record(self.home / "tasks/rejected" / f"{name}.error.json", name)

    def _record(self, path: Path, of: str) -> dict[str, Any]:
        self.wait_until(path.exists, f"{path.name} of {of}")
        record: dict[str, Any] = json.loads(path.read_text())
        return record

    # The command line

    def koubou(
        self, *words: str, stdin: str | None = None, within: float = 60, config: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb. It learns of the workshop from KOUBOU_CONFIG, or not at all without `config`."""
        environment = self.environment if config else {**self.environment, "KOUBOU_CONFIG": ""}
        return warm.run([KOUBOU, *words], environment, self.folder, stdin, within)

    def ask(self, *words: str) -> Any:
        """The one JSON value that a verb says with --json. AssertionError when it failed or said more."""
        done = self.koubou(*words, "--json")
        assert done.returncode == 0, f"koubou {' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def status(self) -> dict[str, Any]:
        """`koubou status`."""
        status: dict[str, Any] = self.ask("status")
        return status

    def show(self, task: str) -> dict[str, Any]:
        """`koubou show TASK`."""
        task_shown: dict[str, Any] = self.ask("show", task)
        return task_shown

    def month(self) -> dict[str, Any]:
        """This month's account in USD as `koubou budget status` says it."""
        accounts = self.ask("budget", "status")["accounts"]
        months = [each for each in accounts if each["name"].startswith("month:") and each["dimension"] == "usd"]
        assert len(months) == 1, accounts
        month: dict[str, Any] = months[0]
        return month

    def held(self) -> dict[str, Any]:
        """What is held in any account, by name; empty at rest."""
        accounts = self.ask("budget", "status")["accounts"]
        held = {each["name"]: each.get("held_nusd", each.get("held")) for each in accounts}
        return {name: amount for name, amount in held.items() if amount}

    # The board, read only

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the board's views, as the design lets people and their scripts do."""
        board = f"file:{self.home}/board/koubou.db?mode=ro"
        with closing(sqlite3.connect(board, uri=True, timeout=10)) as connection:
            return connection.execute(query, values).fetchall()

    def counts(self) -> dict[str, int]:
        """How many tasks stand at each status."""
        return dict(self.sql("SELECT status, COUNT(*) FROM task_master GROUP BY status"))

    # Waiting for facts

    def wait_until(self, fact: Callable[[], T], what: str, within: float = 30, every: float = 0.02) -> T:
        """Wait until something is true and return it. AssertionError with what the master told, when it never is."""
        deadline = time.monotonic() + within
        while not (truth := fact()):
            if self.process is not None and self.process.poll() is not None and not fact():
                raise AssertionError(f"the master ended ({self.process.returncode}) before: {what}\n{self.told()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within:g} s: {what}\n{self.told()}")
            time.sleep(every)
        return truth

    def wait_for_event(self, event: str, within: float = 30, **parts: object) -> dict[str, Any]:
        """Wait for a journal line with this event and these parts."""
        return self.wait_until(lambda: next(self.events(event, **parts), None), f"{event} {parts or ''}", within) or {}

    def events(self, event: str, **parts: object) -> Iterator[dict[str, Any]]:
        """The journal lines so far with this event and these parts."""
        for line in self.lines.copy():
            if line.get("event") == event and all(line.get(name) == value for name, value in parts.items()):
                yield line

    def wait_for_ends(self, count: int, within: float = 60) -> None:
        """Wait until so many tasks have ended, well or not: in the folders first, and then on the board."""
        ends = ("completed", "failed", "cancelled")
        self.wait_until(
            lambda: (
                len(self.completed) + len(self.failed) >= count
                and sum(self.counts().get(status, 0) for status in ends) >= count
            ),
            f"{count} tasks to end",
            within,
            every=0.1,
        )

    def wait_for_park(self, task: str, reason: str, within: float = 30) -> dict[str, Any]:
        """Wait until a task is parked for this reason; the task as `koubou show` has it."""
        park = "SELECT park FROM task WHERE id = ?"
        self.wait_until(lambda: self.sql(park, task) == [(reason,)], f"{task} to be parked for {reason}", within)
        return self.show(task)

    def told(self, last: int = 25) -> str:
        """The last of what the master said, for the message of a failing test."""
        counts = Counter(str(line.get("event")) for line in self.lines)
        lines = [json.dumps(line, ensure_ascii=False) for line in self.lines[-last:]]
        errors = (self.folder / "stderr").read_text(errors="replace")[-4000:] if self.process else ""
        return "\n".join([f"events: {dict(counts)}", *lines, *self.stray_output[-last:], errors])

    # Leaving nothing behind

    def notice_processes(self) -> list[psutil.Process]:
        """The processes of this workshop that run now; they are remembered for the end."""
        alive = [each for each in psutil.process_iter() if self._is_ours(each)]
        self._seen.update({each.pid: each for each in alive})
        return alive

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                return False
            if process.environ().get(STARTUP_MARK) == self.folder.name:
                return True
            master = None if self.process is None else self.process.pid
            return master in (process.pid, *(each.pid for each in process.parents()))
        except psutil.Error:
            return False

    def left_over(self) -> list[psutil.Process]:
        """Those of the workshop's processes, now or earlier, that still run."""
        self.notice_processes()
        return [each for each in self._seen.values() if _is_alive(each)]

    def close(self) -> list[str]:
        """End everything; what is left that should not be (processes, tracebacks), for the test to fail on."""
        complaints: list[str] = []
        self.read_on()
        if self.process is not None:
            if self.process.poll() is None:
                try:
                    self.stop()
                except AssertionError as late:
                    complaints.append(str(late))
                    self.process.kill()
                    self.process.wait()
            _, alive = psutil.wait_procs(self.left_over(), timeout=1)
            complaints += [f"still running: {each}" for each in alive]
            for each in alive:
                each.kill()
            if "Traceback" in (text := (self.folder / "stderr").read_text(errors="replace")):
                complaints.append(f"standard error has a traceback:\n{text[-4000:]}")
            complaints += [f"a line that is no JSON object: {line!r}" for line in self.stray_output[:5]]
        if self._to_be_removed:
            shutil.rmtree(self.folder, ignore_errors=True)
        return complaints

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        complaints = self.close()
        if error is None and complaints:
            raise AssertionError("\n".join(complaints))


OpenWorkshop = Callable[..., Workshop]
"""The fixture `open_workshop`: makes a workshop with changed settings."""


def as_file(name: str, content: str | bytes | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bytes:
    """The bytes of a task file with this content."""
    match content:
        case bytes():
            return content
        case str():
            return content.encode()
        case Mapping() if name.endswith(".json"):
            return json.dumps(content).encode()
        case Mapping():
            return yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False).encode()
    return yaml.safe_dump_all([dict(each) for each in content], allow_unicode=True, sort_keys=False).encode()


def words_of(process: psutil.Process) -> list[str]:
    """What `ps` shows of a process: a forked one has its words in one piece. Raises psutil.NoSuchProcess."""
    return " ".join(process.cmdline()).split()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
