"""koubou doctor: what it finds, what it leaves alone, and how long it takes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import warm
from builders import a_new_task
from warm import KOUBOU
from workshop import Workshop

from koubou.board.board import Board
from koubou.board.connection import open_for_writing
from koubou.folders.layout import Layout
from koubou.model.notice import Channel
from koubou.sandbox.preflight import why_not

KEY = "sk-doctors-must-not-talk-0123456789"
REHEARSED = "tiers: {local: {reach: local, executor: rehearsal, price: {input: 0, output: 0}}}\n"


class Shop:
    """A home, a settings file, and the doctor's word on them."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(home=str(folder / "home"))
        self.config = folder / "koubou.yaml"
        self.seconds = 0.0
        self.write(REHEARSED)

    def write(self, settings: str) -> None:
        self.config.write_text(f"home: {self.layout.home}\nintake: {{min_free_disk: 1MB}}\n{settings}")

    def open(self) -> Board:
        self.layout.ensure()
        return Board(open_for_writing(Path(self.layout.board) / "koubou.db"))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        began = time.monotonic()
        asked = [KOUBOU, "doctor", "--config", str(self.config), *words]
        done = warm.run(asked, {**os.environ, "PROVIDER_KEY": KEY}, self.config.parent)
        self.seconds = time.monotonic() - began
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ask(self) -> dict[str, Any]:
        done = self.run("--json")
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if answer["ok"] else 1)
        assert answer["ok"] == (answer["counts"]["error"] == 0)
        return answer

    def check(self, area: str, name: str) -> dict[str, Any]:
        """The one finding of this name; AssertionError where there is none or more."""
        answer = self.ask()
        found = [each for each in answer["checks"] if (each["area"], each["name"]) == (area, name)]
        assert len(found) == 1, answer
        finding: dict[str, Any] = found[0]
        return finding


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


class Server(ThreadingHTTPServer):
    """Lists one model to whoever has the key, at a time of its own."""

    model, ahead, asked = "house-model", 0.0, 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Door(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        right = self.path == "/v1/models" and self.headers.get("Authorization") == f"Bearer {KEY}"
        data = json.dumps({"data": [{"id": self.server.model}]} if right else {"error": {}}).encode()
        self.send_response_only(200 if right else 401)
        self.send_header("Date", formatdate(time.time() + self.server.ahead, usegmt=True))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), _Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def a_tier(address: str, **changes: object) -> str:
    tier = {
        "reach": "cloud",
        "base_url": address,
        "model": "house-model",
        "price": {"input": 1, "output": 1},
        "api_key": {"env": "PROVIDER_KEY"},
        **changes,
    }
    return json.dumps({"tiers": {"one": tier}})[1:-1] + "\n"


def snapshot(home: str) -> Mapping[str, tuple[int, int, int]]:
    found = {}
    for folder, folders, files in os.walk(home):
        for name in (*folders, *files):
            status = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


# A workshop at work


def test_a_workshop_at_work_is_well_and_nothing_is_written_to_it() -> None:
    tiers = {"local": {"reach": "local", "executor": "rehearsal", "price": {"input": 0, "output": 0}}}
    routing = {"high": "local", "medium": "local", "low": "local"}
    with Workshop(None, tiers=tiers, routing=routing) as workshop:
        workshop.start()
        workshop.wait_for_event("system.ready")
        workshop.drop("a.yaml", "id: a\nprompt: hello\n")
        workshop.output("a")
        workshop.wait_until(lambda: workshop.status()["tasks"]["completed"] == 1, "the task to be filed")
        before = snapshot(str(workshop.home / "tasks"))
        answer = workshop.ask("doctor")
        assert snapshot(str(workshop.home / "tasks")) == before
        by_name = {(each["area"], each["name"]): each for each in answer["checks"]}
        assert answer["counts"]["error"] == 0
        for name in ("master", "pages", "runs", "filings", "notices", "home", "modes", "claims", "tier local"):
            [level] = {each["level"] for (_, found), each in by_name.items() if found == name}
            assert level == "ok", (name, answer)
        assert f"process {workshop.process.pid if workshop.process else 0}," in by_name["service", "master"]["says"]
        assert workshop.koubou("doctor").returncode == 0


# A workshop that nobody serves


def test_without_a_master_it_says_so_and_writes_nothing(shop: Shop) -> None:
    shop.open().close()
    before = snapshot(shop.layout.home)
    answer = shop.ask()
    assert answer["counts"]["error"] == 0, answer
    assert snapshot(shop.layout.home) == before
    master = shop.check("service", "master")
    assert (master["level"], "nobody serves" in master["says"]) == ("warning", True)


def test_a_home_that_is_not_there_is_one_error_and_is_not_made(shop: Shop) -> None:
    answer = shop.ask()
    assert [each["name"] for each in answer["checks"] if each["level"] == "error"] == ["home"]
    assert not os.path.exists(shop.layout.home)


def test_bad_settings_are_told_and_the_rest_is_looked_at(shop: Shop) -> None:
    shop.open().close()
    shop.write("tires: {}\nlog: {level: loud}\n")
    answer = shop.ask()
    errors = [each["says"] for each in answer["checks"] if each["level"] == "error"]
    assert len(errors) == 2
    assert any("tires" in says for says in errors)
    assert any(each["name"] == "pages" for each in answer["checks"])


def test_for_people_every_fault_has_what_to_do(shop: Shop) -> None:
    done = shop.run()
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    faults = [number for number, line in enumerate(lines) if line.startswith(("  ✗", "  !"))]
    assert faults
    assert all(lines[number + 1].lstrip().startswith("→") for number in faults)


@pytest.mark.parametrize(
    ("folder", "mode", "word"),
    [("secrets", 0o750, "sealed keys"), ("board", 0o755, "every task"), ("tasks", 0o777, "drop or list")],
)
def test_a_folder_that_lets_too_many_in_is_an_error(shop: Shop, folder: str, mode: int, word: str) -> None:
    shop.open().close()
    os.chmod(f"{shop.layout.home}/{folder}", mode)
    found = shop.check("folders", "modes")
    assert found["level"] == "error"
    assert word in found["says"]
    assert "chmod" in found["remedy"]


def test_sealed_keys_that_others_reach_are_an_error(shop: Shop, tmp_path: Path) -> None:
    key = tmp_path / "etc" / "secret.key"
    shop.write(f"{REHEARSED}secrets: {{key_file: {key}}}\n")
    shop.open().close()
    words = [KOUBOU, "secret", "set", "openai", "--config", str(shop.config)]
    subprocess.run(words, input=KEY.encode(), capture_output=True, timeout=60, check=True)
    assert shop.check("folders", "keys")["level"] == "ok"
    key.parent.chmod(0o777)
    found = shop.check("folders", "keys")
    assert (found["level"], found["remedy"]) == ("error", f"chmod go-w {key.parent}")
    key.parent.chmod(0o755)
    sealed = Path(shop.layout.secrets) / "openai.secret"
    sealed.chmod(0o644)
    found = shop.check("folders", "keys")
    assert (found["level"], found["remedy"]) == ("error", f"chmod 600 {sealed}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_somebody_else_is_an_error(shop: Shop) -> None:
    shop.open().close()
    os.chown(shop.layout.board, 54_321, -1)
    assert shop.check("folders", "owners")["level"] == "error"


def test_too_little_room_is_an_error(shop: Shop) -> None:
    shop.open().close()
    shop.config.write_text(shop.config.read_text().replace("min_free_disk: 1MB", "min_free_disk: 900000000MB"))
    assert shop.check("folders", "space")["level"] == "error"


def test_claims_that_were_left_are_noted(shop: Shop) -> None:
    shop.open().close()
    Path(shop.layout.tasks, ".claim-01M7ZE8Y5PXFXX6A4K5V9NDN8X~a.yaml").touch()
    assert shop.check("folders", "claims")["level"] == "note"


def test_a_damaged_board_is_an_error_with_the_way_back(shop: Shop) -> None:
    board = shop.open()
    with board.transaction():
        for number in range(200):
            board.tasks.insert(a_new_task(f"t{number}"), 1_800_000_000_000)
    board.close()
    file = Path(shop.layout.board, "koubou.db")
    data = bytearray(file.read_bytes())
    for page in range(8192, len(data) - 4096, 4096):
        data[page : page + 512] = b"\xff" * 512
    file.write_bytes(data)
    found = shop.check("board", "pages")
    assert found["level"] == "error"
    assert "koubou board restore" in found["remedy"]


def test_what_has_been_owed_for_long_is_told(shop: Shop) -> None:
    board = shop.open()
    with board.transaction():
        board.notices.owe("emergency", Channel.WEBHOOK, "m", "emergency", {}, 1_700_000_000_000)
    board.close()
    assert shop.check("board", "notices")["level"] == "warning"


def test_an_emergency_stop_is_an_error_and_only_its_own_command_mends_it(shop: Shop) -> None:
    board = shop.open()
    with board.transaction():
        board.crew.latch("emergency", "over the month", 1_700_000_000_000)
        board.crew.latch("pause:local", "night", 1_700_000_000_000)
    board.close()
    stopped = shop.check("board", "stopped")
    assert (stopped["level"], stopped["remedy"]) == ("error", "koubou budget resume --reason …")
    assert "emergency (over the month)" in stopped["says"]


def test_a_pause_is_a_warning_and_resume_ends_it(shop: Shop) -> None:
    board = shop.open()
    with board.transaction():
        board.crew.latch("pause:local", "night", 1_700_000_000_000)
    board.close()
    stopped = shop.check("board", "stopped")
    assert (stopped["level"], stopped["remedy"]) == ("warning", "koubou resume local")


def test_refused_files_of_the_last_day_are_counted(shop: Shop) -> None:
    shop.open().close()
    assert shop.check("folders", "rejected")["level"] == "ok"
    Path(shop.layout.rejected, "a.yaml.error.json").write_text("{}")
    found = shop.check("folders", "rejected")
    assert (found["level"], found["says"]) == ("note", "1 file refused within the last day")
    assert shop.layout.rejected in found["remedy"]


# Servers


def test_a_server_that_has_the_model_is_well_and_the_key_is_not_shown(shop: Shop, server: Server) -> None:
    shop.write(a_tier(server.address))
    done = shop.run()
    assert "answers in" in done.stdout
    assert "and has house-model" in done.stdout
    assert server.asked == 1
    assert KEY not in done.stdout + done.stderr
    assert KEY not in shop.run("--json").stdout


def test_a_model_that_is_not_loaded_is_named_with_those_that_are(shop: Shop, server: Server) -> None:
    shop.write(a_tier(server.address, model="other-model"))
    found = shop.check("servers", "tier one")
    assert found["level"] == "warning"
    assert "house-model" in found["remedy"]


def test_a_key_that_is_refused_is_an_error(shop: Shop, server: Server) -> None:
    shop.write(a_tier(server.address, api_key={"env": "HOME"}))
    assert shop.check("servers", "tier one")["level"] == "error"


def test_a_key_that_is_missing_is_a_warning_and_the_tier_has_the_reason(shop: Shop, server: Server) -> None:
    shop.write(a_tier(server.address, api_key={"env": "NOBODY_HAS_IT"}))
    found = shop.check("settings", "tier one")
    assert found["level"] == "warning"
    assert "NOBODY_HAS_IT" in found["says"]


@pytest.mark.parametrize(("ahead", "level"), [(0.0, "ok"), (300.0, "warning"), (-300.0, "warning")])
def test_the_clock_is_compared_with_that_of_a_server_elsewhere(
    shop: Shop, server: Server, ahead: float, level: str
) -> None:
    server.ahead = ahead
    shop.write(a_tier(server.address))
    assert shop.check("servers", "clock")["level"] == level


def test_servers_that_never_answer_do_not_hold_it_up(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        shop.write(a_tier(address))
        assert "does not answer" in shop.check("servers", "tier one")["says"]
    assert shop.seconds < 20  # under 3 on a quiet machine; one that waited for an answer would take minutes


def test_a_tier_that_is_local_only_by_its_word_is_not_asked(shop: Shop) -> None:
    shop.write(a_tier("http://192.0.2.1/v1", reach="local"))
    answer = shop.ask()
    assert not [each for each in answer["checks"] if (each["area"], each["name"]) == ("servers", "tier one")]
    [tier] = [each for each in answer["checks"] if (each["area"], each["name"]) == ("settings", "tier one")]
    assert "neither loopback nor" in tier["says"]


def test_a_host_that_is_vouched_for_is_noted(shop: Shop, server: Server) -> None:
    shop.write(a_tier(server.address, reach="local", trusted_host=True))
    assert shop.check("settings", "local reach")["level"] == "note"


# Agents

needs_walls = pytest.mark.skipif(why_not() is not None, reason=f"no sandbox can be made: {why_not()}")


def with_an_agent(folder: Path, script: str, **changes: object) -> str:
    """Settings with a tier of Codex, whose program is this script."""
    program = folder / "codex"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    tier = {
        "executor": "codex",
        "reach": "local",
        "base_url": "http://127.0.0.1:9/v1",
        "model": "m",
        "price": {"input": 0, "output": 0},
        "agent": {"program": str(program)},
        **changes,
    }
    return f"tiers: {json.dumps({'coder': tier})}\n"


def told_of(shop: Shop, area: str = "agents") -> dict[str, tuple[str, str, str]]:
    """Level, words and remedy of all findings of an area, by name."""
    found = [each for each in shop.ask()["checks"] if each["area"] == area]
    return {each["name"]: (each["level"], each["says"], each["remedy"]) for each in found}


def test_without_agents_nothing_is_said_of_them(shop: Shop) -> None:
    assert told_of(shop) == {}


@needs_walls
def test_an_agents_program_says_its_version_where_it_reaches_nothing(shop: Shop, tmp_path: Path) -> None:
    reached = "$(tail -n +3 /proc/net/dev | wc -l) network, $(ls /tmp)"
    shop.write(with_an_agent(tmp_path, f'echo "codex-cli 1.2.3, {reached}"'))
    found = told_of(shop)
    says = f"codex-cli 1.2.3, 1 network, {tmp_path.parts[2]} ({tmp_path}/codex), of coder"
    assert found["program"] == ("ok", says, "")
    assert (found["sandbox"][0], found["git"][0]) == ("ok", "ok")


@needs_walls
def test_a_program_that_does_not_run_is_a_warning(shop: Shop, tmp_path: Path) -> None:
    shop.write(with_an_agent(tmp_path, "exit 3"))
    assert told_of(shop)["program"][0] == "warning"


def test_an_agent_without_a_sandbox_is_a_warning(shop: Shop, tmp_path: Path) -> None:
    shop.write(with_an_agent(tmp_path, "true", sandbox="none"))
    found = told_of(shop)
    assert found["open"][0] == "warning"
    assert "without a sandbox: coder" in found["open"][1]
    assert "sandbox" not in found


def test_without_bubblewrap_an_agent_that_wants_it_is_an_error(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(with_an_agent(tmp_path, "true"))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = told_of(shop)
    assert (found["sandbox"][0], found["sandbox"][2]) == ("error", "there is no bwrap: apt-get install bubblewrap")
    assert found["git"][0] == "error"
