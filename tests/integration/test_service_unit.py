"""The service unit and its drop-ins say nothing that systemd does not understand, and expose little."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from koubou.config.load import load
from koubou.config.unit import drop_in

SYSTEMD = Path(__file__).parents[2] / "systemd"
LOCAL = "tiers: {local: {reach: local, server: embedded, price: {input: 0, output: 0}}}\n"
AGENTS = "agents: {in_place: true}\ntiers: {coder: {reach: local, executor: codex, model: gpt-5, base_url: 'http://127.0.0.1:1/v1'}}\n"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False)


def a_unit(folder: Path, **drop_ins: str) -> Path:
    """The unit as it would stand in the system; the program that it starts is one that every machine has."""
    unit = folder / "koubou.service"
    unit.write_text((SYSTEMD / "koubou.service").read_text().replace("/opt/koubou/bin/koubou", "/bin/true"))
    (folder / "koubou.service.d").mkdir()
    for name, text in drop_ins.items():
        (folder / "koubou.service.d" / f"{name}.conf").write_text(text)
    return unit


def rendered(folder: Path, settings: str) -> str:
    file = folder / "koubou.yaml"
    file.write_text(settings)
    return drop_in(load(file, {}))


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and line[0] not in "#["]


def verified(unit: Path) -> str:
    """What systemd has to say about it. Its exit status is 0 for unknown keys too; only its words tell."""
    told = analyze("verify", str(unit)).stderr
    # Outside of a booted system it says so, about its own folders.
    return "\n".join(line for line in told.splitlines() if "Failed to create /" not in line)


@needs_systemd
def test_systemd_understands_every_line_of_the_unit_with_all_its_drop_ins(tmp_path: Path) -> None:
    settings = "home: '/home/a b/50%/it$'\nsecurity: {allowed_workspaces: [/srv, '/home/al:ice/work', '/root']}\n"
    unit = a_unit(
        tmp_path, agents=(SYSTEMD / "agents.conf").read_text(), settings=rendered(tmp_path, settings + AGENTS)
    )
    assert verified(unit) == ""


@needs_systemd
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("NoNewPrivileges=yes", "NoNewPrivilages=yes"), ("WatchdogSec=30", "WatchdogSec=often")],
)
def test_a_word_that_systemd_does_not_know_would_be_seen(tmp_path: Path, right: str, wrong: str) -> None:
    unit = a_unit(tmp_path)
    unit.write_text(unit.read_text().replace(right, wrong))
    assert "ignoring" in verified(unit)


@needs_systemd
@pytest.mark.parametrize(("with_agents", "at_most"), [(False, 20), (True, 29)])
def test_the_unit_exposes_little(tmp_path: Path, with_agents: bool, at_most: int) -> None:
    drop_ins = {"agents": (SYSTEMD / "agents.conf").read_text()} if with_agents else {}
    answer = analyze("security", "--offline=true", f"--threshold={at_most}", str(a_unit(tmp_path, **drop_ins)))
    assert answer.returncode == 0, answer.stdout[-2000:]


def test_usual_settings_need_no_more_than_the_unit_allows(tmp_path: Path) -> None:
    assert lines(rendered(tmp_path, LOCAL)) == []


def test_the_shipped_settings_need_no_more_than_the_unit_allows() -> None:
    assert lines(drop_in(load(SYSTEMD.parent / "etc" / "koubou.yaml", {}))) == []


def test_another_home_is_writable_and_its_socket_is_linked(tmp_path: Path) -> None:
    assert lines(rendered(tmp_path, "home: /data/shop\n" + LOCAL)) == [
        "WorkingDirectory=/data/shop",
        "ReadWritePaths=-/data/shop",
        "ExecStartPost=",
        "ExecStartPost=/bin/ln -sfn /data/shop/run/control.sock /run/koubou/control.sock",
    ]


def test_agents_that_work_in_place_may_write_in_the_workspaces_and_nobody_else_does(tmp_path: Path) -> None:
    folders = "security: {allowed_workspaces: [/srv, /home/alice/work]}\n"
    assert lines(rendered(tmp_path, folders + AGENTS)) == [
        "ReadWritePaths=-/srv",
        "ProtectHome=tmpfs",
        "BindPaths=-/home/alice/work",
    ]
    assert lines(rendered(tmp_path, folders + LOCAL)) == ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/alice/work"]


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("/data/a b", 'ReadWritePaths="-/data/a b"'),
        ("/data/100%", 'ReadWritePaths="-/data/100%%"'),
        ('/data/say "x"', 'ReadWritePaths="-/data/say \\"x\\""'),
        ("/home/al:ice", 'BindPaths="-/home/al:ice"'),
    ],
)
def test_strange_names_of_folders_are_written_as_systemd_reads_them(tmp_path: Path, folder: str, line: str) -> None:
    assert line in lines(rendered(tmp_path, f"security: {{allowed_workspaces: ['{folder}']}}\n{AGENTS}"))


def test_the_folders_of_the_installation_are_those_that_the_workshop_makes() -> None:
    """systemd-tmpfiles and the layout say the same modes, so that either may come first."""
    from koubou.folders import layout

    told = dict(re.findall(r"^d\s+/var/koubou/(\S+)\s+(\d+)", (SYSTEMD / "koubou.tmpfiles").read_text(), re.MULTILINE))
    drop_only, shelf = f"{layout._DROP_ONLY:o}", f"{layout._PASSABLE:o}".rjust(4, "0")
    shelves = {f"tasks/{name}": shelf for name in ("in_progress", "completed", "failed", "rejected")}
    others = {"board": "0750", "run": "0710", "secrets": "0700"}
    assert told == {"tasks": drop_only, **shelves, **others}
