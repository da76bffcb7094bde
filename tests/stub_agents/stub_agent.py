#!/usr/bin/env -S python3 -I -S
"""A small agent that is started as Codex CLI or Claude Code is, or as a plain command, and misbehaves when it is told.

It is one file of the standard library, so that it can be named as an agent's program. It asks its model until that
calls no more tools, runs the commands that it is given, and says so in the events of the program that it plays. What
else it is to do stands in its prompt, in a line of its own: `{"misbehave": [[NAME, ARGUMENT…], …]}`, see `MISDEEDS` and
`ENDINGS`; `edits N` and `commands N` are so many of them. It does all that first. What came of a misdeed is a line of
standard output, so that a test can say that nothing did:

    {"type": "misdeed", "name": "peek", "target": "/etc/shadow", "could": false, "how": "PermissionError"}
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LIFE = 45  # seconds: what a failed test leaves behind must not take the machine with it
PATIENCE = 2  # seconds to wait for what should not answer
MEGABYTE = 1024 * 1024
Call = tuple[str, str]
"""A tool's call: its id, and the shell command."""


class CallFailedError(Exception):
    """The model did not answer; the status that it gave, 0 for none."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


def say(**event: Any) -> None:
    os.write(1, (json.dumps(event) + "\n").encode())


# Its model: OpenAI's Responses and Anthropic's messages, as little as is needed


class Responses:
    """A conversation in OpenAI's words."""

    def __init__(self, base_url: str, key: str, model: str, prompt: str) -> None:
        self._url, self._key, self._model = f"{base_url}/responses", key, model
        self._items: list[Any] = [{"role": "user", "content": prompt}]
        self.used = {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0}

    def ask(self) -> tuple[str, list[Call]]:
        """What it says, and what it wants run."""
        tool = {"type": "function", "name": "exec_command", "parameters": {"type": "object"}, "strict": False}
        body = {"model": self._model, "input": self._items, "tools": [tool], "store": False}
        answer = post(self._url, {"authorization": f"Bearer {self._key}"}, body)
        usage = answer.get("usage") or {}
        self.used["input_tokens"] += usage.get("input_tokens", 0)
        self.used["cached_input_tokens"] += usage.get("input_tokens_details", {}).get("cached_tokens", 0)
        self.used["output_tokens"] += usage.get("output_tokens", 0)
        self._items += answer["output"]
        calls = [item for item in answer["output"] if item["type"] == "function_call"]
        parts = [part for item in answer["output"] for part in item.get("content") or ()]
        text = "".join(part.get("text", "") for part in parts)
        return text, [(call["call_id"], json.loads(call["arguments"])["cmd"]) for call in calls]

    def tell(self, results: Mapping[str, str]) -> None:
        """What the commands printed."""
        kind = "function_call_output"
        self._items += [{"type": kind, "call_id": number, "output": text} for number, text in results.items()]


class Messages:
    """A conversation in Anthropic's words."""

    def __init__(self, base_url: str, key: str, model: str, prompt: str) -> None:
        self._url, self._key, self._model = f"{base_url}/v1/messages", key, model
        self._messages: list[Any] = [{"role": "user", "content": prompt}]
        self.used = {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}

    def ask(self) -> tuple[str, list[Call]]:
        """What it says, and what it wants run."""
        tools = [{"name": "Bash", "input_schema": {"type": "object"}}]
        body = {"model": self._model, "max_tokens": 1000, "messages": self._messages, "tools": tools}
        answer = post(self._url, {"x-api-key": self._key, "anthropic-version": "2023-06-01"}, body)
        for name in self.used:
            self.used[name] += (answer.get("usage") or {}).get(name, 0)
        self._messages.append({"role": "assistant", "content": answer["content"]})
        text = "".join(block.get("text", "") for block in answer["content"])
        calls = [block for block in answer["content"] if block["type"] == "tool_use"]
        return text, [(call["id"], call["input"]["command"]) for call in calls]

    def tell(self, results: Mapping[str, str]) -> None:
        """What the commands printed."""
        parts = [{"type": "tool_result", "tool_use_id": number, "content": text} for number, text in results.items()]
        self._messages.append({"role": "user", "content": parts})


def post(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=LIFE)
    try:
        connection.request("POST", place.path, json.dumps(body), {**headers, "content-type": "application/json"})
        response = connection.getresponse()
        text = response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise CallFailedError(0, f"connection failed: {error!r}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise CallFailedError(response.status, text)
    return json.loads(text)


# What it must not be able to do; each says what it could, or raises OSError


def peek(path: str) -> str:
    """Look at a file or into a folder."""
    if os.path.isdir(path):
        return f"saw {sorted(os.listdir(path))[:20]}"
    with open(path, "rb") as file:
        return f"read {file.read(200)!r}"


def poke(path: str) -> str:
    """Write into a file, or make one in a folder."""
    target = os.path.join(path, "poked") if os.path.isdir(path) else path
    with open(target, "ab") as file:
        file.write(b"poked\n")
    return f"wrote {target}"


def processes(*expected: str) -> str:
    """Find a process whose command line has one of these words."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if int(folder.name) != os.getpid() and any(word in line for word in expected):
                return f"saw {folder.name}: {line}"
    raise FileNotFoundError("no such process")


def signal_to(pid: str) -> str:
    """Reach a process of the host by its number."""
    os.kill(int(pid), 0)
    return f"can signal {pid}"


def dial(kind: int, address: Any, family: int = socket.AF_INET) -> str:
    """Reach somebody, who must answer: what nobody answers to may as well have reached nobody."""
    with socket.socket(family, kind) as link:
        link.settimeout(PATIENCE)
        link.connect(address)
        link.sendall(b'{"verb": "status"}\n')
        return f"reached {address!r}: {link.recv(100)!r}"


def there(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def elsewhere(url: str) -> str:
    """Ask a model at another place than the one that it was given: its base URL is ignored."""
    try:
        return f"was answered: {post(url, {}, {'model': 'stub', 'input': 'Hello'})}"
    except CallFailedError as error:
        if error.status:
            return f"was heard: {error.status}"
        raise ConnectionError(str(error)) from error


def huge(path: str, megabytes: str) -> str:
    """Write a large file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(path, "wb", buffering=0) as file:
        for _ in range(int(megabytes)):
            if file.write(bytes(MEGABYTE)) < MEGABYTE:
                raise OSError("the file has met its limit")
    return f"wrote {megabytes} MB"


def detach(seconds: str) -> str:
    """Leave a `sleep SECONDS` behind that has left session and parent and is deaf; choose a number to know it by."""
    if os.fork() == 0:
        deaf()
        os.setsid()
        if os.fork() == 0:
            empty = os.open("/dev/null", os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(empty, number)
            os.execvp("sleep", ["sleep", seconds])
        os._exit(0)
    os.wait()
    return f"left a sleep {seconds}"


def deaf() -> str:
    """Hear no signal that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    return "hears no signal"


def flood(megabytes: str) -> str:
    """Fill standard output with what is no event."""
    for _ in range(int(megabytes) * 1024):
        os.write(1, b"x" * 1023 + b"\n")
    return f"wrote {megabytes} MB"


MISDEEDS: Mapping[str, Callable[..., str]] = {
    "peek": peek,
    "poke": poke,
    "processes": processes,
    "signal": signal_to,
    "elsewhere": elsewhere,
    "tcp": lambda address: dial(socket.SOCK_STREAM, there(address)),
    "udp": lambda address: dial(socket.SOCK_DGRAM, there(address)),
    "unix": lambda path: dial(socket.SOCK_STREAM, path, socket.AF_UNIX),
    "abstract": lambda name: dial(socket.SOCK_STREAM, "\0" + name, socket.AF_UNIX),
    "huge": huge,
    "detach": detach,
    "deaf": deaf,
    "flood": flood,
    "environment": lambda: json.dumps(dict(os.environ)),
}
ENDINGS = frozenset({"no_end", "hang", "hang_after_end", "failure", "exit"})
"""no_end: exit 0 without a last event; hang: stay instead; hang_after_end: stay after it; failure: a last event that
tells of one; exit NUMBER: with the last event of a success."""


def attempt(name: str, words: list[str]) -> None:
    """One misdeed, and what came of it."""
    said = {"type": "misdeed", "name": name, "target": words[0] if words else ""}
    try:
        say(**said, could=True, how=MISDEEDS[name](*words))
    except OSError as error:
        say(**said, could=False, how=type(error).__name__, why=str(error))


def told(prompt: str) -> list[list[str]]:
    """The misdeeds that a prompt asks for."""
    lines = [line for line in prompt.splitlines() if line.startswith('{"misbehave"')]
    return [[str(word) for word in each] for line in lines for each in json.loads(line)["misbehave"]]


def run(command: str) -> tuple[int, str]:
    """A shell command: its exit status, and what it printed."""
    done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def stay() -> None:
    """Wait for its end."""
    end = time.monotonic() + LIFE
    while time.monotonic() < end:
        time.sleep(0.05)


# The programs that it plays


class Codex:
    """Codex CLI: `codex exec … [resume THREAD] -`, its settings in CODEX_HOME."""

    def __init__(self, words: list[str]) -> None:
        with open(os.path.join(os.environ["CODEX_HOME"], "config.toml"), "rb") as file:
            settings = tomllib.load(file)
        self._provider = settings["model_providers"][settings["model_provider"]]
        self._model = after(words, "-m", "--model") or settings.get("model", "stub")
        self._thread = after(words, "resume") or f"thread-{os.getpid()}"
        self._items = 0

    def talk(self, prompt: str) -> Responses:
        key = os.environ.get(self._provider.get("env_key", ""), "")
        return Responses(self._provider["base_url"], key, self._model, prompt)

    def begin(self) -> None:
        say(type="thread.started", thread_id=self._thread)
        say(type="turn.started")

    def ran(self, command: str, status: int, output: str) -> None:
        line = {"command": f"/bin/sh -c {command}", "aggregated_output": output, "exit_code": status}
        self._item(type="command_execution", **line, status="failed" if status else "completed")

    def edited(self, path: str) -> None:
        self._item(type="file_change", changes=[{"path": path, "kind": "add"}], status="completed")

    def succeed(self, text: str, used: Mapping[str, int]) -> None:
        self._item(type="agent_message", text=text)
        say(type="turn.completed", usage={**used, "cache_write_input_tokens": 0, "reasoning_output_tokens": 0})

    def fail(self, status: int, why: str) -> None:
        message = f"unexpected status {status}: {why}" if status else why
        say(type="error", message=message)
        say(type="turn.failed", error={"message": message})

    def _item(self, **item: Any) -> None:
        item = {"id": f"item_{self._items}", **item}
        self._items += 1
        if item["type"] != "agent_message":
            say(type="item.started", item={**item, "status": "in_progress"})
        say(type="item.completed", item=item)


class Claude:
    """Claude Code: `claude -p --output-format stream-json …`, its model in the environment."""

    def __init__(self, words: list[str]) -> None:
        self._model = after(words, "--model") or "stub"
        self._session = after(words, "--resume", "--session-id") or f"session-{os.getpid()}"
        self._turns = 0

    def talk(self, prompt: str) -> Messages:
        key = os.environ.get("ANTHROPIC_API_KEY") or os.environ.get("ANTHROPIC_AUTH_TOKEN", "")
        return Messages(os.environ["ANTHROPIC_BASE_URL"], key, self._model, prompt)

    def begin(self) -> None:
        say(type="system", subtype="init", session_id=self._session, cwd=os.getcwd(), model=self._model)

    def ran(self, command: str, status: int, output: str) -> None:
        self._use("Bash", {"command": command, "description": "as told"}, output, bool(status))

    def edited(self, path: str) -> None:
        self._use("Write", {"file_path": path, "content": "edited\n"}, f"File created at {path}", False)

    def succeed(self, text: str, used: Mapping[str, int]) -> None:
        self._say_as("assistant", {"type": "text", "text": text})
        self._end(subtype="success", is_error=False, api_error_status=None, result=text, usage=used)

    def fail(self, status: int, why: str) -> None:
        text = f"API Error: {status} {why}"
        self._end(subtype="success", is_error=True, api_error_status=status or None, result=text, usage={})

    def _use(self, tool: str, given: Mapping[str, str], output: str, failed: bool) -> None:
        self._turns += 1
        number = f"toolu_stub_{self._turns}"
        self._say_as("assistant", {"type": "tool_use", "id": number, "name": tool, "input": given})
        result = {"type": "tool_result", "tool_use_id": number, "content": output, "is_error": failed}
        self._say_as("user", result)

    def _say_as(self, role: str, block: Mapping[str, Any]) -> None:
        number = f"msg_stub_{self._turns}_{block['type']}"
        said = {"id": number, "type": "message", "role": role, "content": [block]}
        say(type=role, message=said, parent_tool_use_id=None, session_id=self._session)

    def _end(self, **how: Any) -> None:
        more = {"num_turns": self._turns + 1, "permission_denials": [], "modelUsage": {}, "total_cost_usd": 0.0}
        say(type="result", session_id=self._session, duration_ms=1, stop_reason="end_turn", **how, **more)


class Command:
    """A plain command: its answer is what it prints. It asks whichever model its environment has."""

    def __init__(self, words: list[str]) -> None:
        self._model = after(words, "--model") or "stub"

    def talk(self, prompt: str) -> Responses | Messages:
        if base_url := os.environ.get("OPENAI_BASE_URL"):
            return Responses(base_url, os.environ.get("OPENAI_API_KEY", ""), self._model, prompt)
        key = os.environ.get("ANTHROPIC_API_KEY", "")
        return Messages(os.environ.get("ANTHROPIC_BASE_URL", "http://127.0.0.1:1"), key, self._model, prompt)

    def begin(self) -> None:
        """It says nothing."""

    def ran(self, command: str, status: int, output: str) -> None:
        """It says nothing."""

    def edited(self, path: str) -> None:
        """It says nothing."""

    def succeed(self, text: str, used: Mapping[str, int]) -> None:
        os.write(1, f"{text}\n".encode())

    def fail(self, status: int, why: str) -> None:
        os.write(2, f"no answer: {status} {why}\n".encode())


def after(words: list[str], *flags: str) -> str | None:
    """What follows one of these words."""
    return next((words[at + 1] for at, word in enumerate(words[:-1]) if word in flags), None)


def played(words: list[str]) -> Codex | Claude | Command:
    """Which program it is started as."""
    if words[:1] == ["exec"]:
        return Codex(words)
    return Claude(words) if "-p" in words or "--print" in words else Command(words)


def misbehave(program: Codex | Claude | Command, misdeeds: list[list[str]]) -> None:
    """Do what was asked for, but the endings."""
    for name, *words in misdeeds:
        if name == "edits":
            for number in range(int(words[0])):
                Path(f"edit-{number}").write_text("edited\n")
                program.edited(os.path.abspath(f"edit-{number}"))
        elif name == "commands":
            for number in range(int(words[0])):
                program.ran(f"echo {number}", 0, f"{number}\n")
        elif name not in ENDINGS:
            attempt(name, words)


def converse(program: Codex | Claude | Command, talk: Responses | Messages) -> str:
    """Ask the model until it wants no more commands; its last word."""
    while True:
        text, calls = talk.ask()
        if not calls:
            return text
        results = {}
        for number, command in calls:
            status, output = run(command)
            program.ran(command, status, output)
            results[number] = output
        talk.tell(results)


def main(words: list[str]) -> int:
    """Play to the end; the exit status."""
    if words[:1] == ["sandbox"]:
        return subprocess.run(words[words.index("--") + 1 :], check=False).returncode
    program, prompt = played(words), sys.stdin.read()
    misdeeds = told(prompt)
    endings = {name: rest for name, *rest in misdeeds if name in ENDINGS}
    program.begin()
    misbehave(program, misdeeds)
    try:
        talk = program.talk(prompt)
        text = converse(program, talk)
    except CallFailedError as error:
        program.fail(error.status, str(error))
        return 1
    if "failure" in endings:
        program.fail(0, "told to fail")
        return 1
    if "hang" in endings:
        stay()
    if not endings.keys() & {"no_end", "hang"}:
        program.succeed(text, talk.used)
    if "hang_after_end" in endings:
        stay()
    return int(endings["exit"][0]) if "exit" in endings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
