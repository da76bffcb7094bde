"""Finding the agents' own programs: the native file, wherever npm has put it."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from koubou.config import programs

MACHINE = platform.machine()
KIND = f"linux-{ {'x86_64': 'x64', 'aarch64': 'arm64'}.get(MACHINE, MACHINE) }"
VENDORED = f"vendor/{MACHINE}-unknown-linux-musl/bin/codex"
CODEX = f"node_modules/@openai/codex/{VENDORED}"
CLAUDE = f"node_modules/@anthropic-ai/claude-code-{KIND}/claude"


@pytest.fixture(autouse=True)
def _nothing_for_everybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "_SYSTEM_FOLDER", tmp_path / "nowhere")


def a_file(path: Path, content: bytes = b"\x7fELF and so on") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_the_named_folder_is_asked_before_the_cache_and_the_cache_before_the_path(tmp_path: Path) -> None:
    named, cache, path = (tmp_path / name for name in ("named", "cache", "path"))
    environ = {"KOUBOU_AGENTS": str(named), "XDG_CACHE_HOME": str(cache), "PATH": str(path)}
    assert programs.native("claude", environ) is None
    on_path = a_file(path / "claude")
    assert programs.native("claude", environ) == str(on_path)
    cached = a_file(cache / "koubou" / "agents" / CLAUDE)
    assert programs.native("claude", environ) == str(cached)
    ours = a_file(named / CLAUDE)
    assert programs.native("claude", environ) == str(ours)


def test_the_cache_stands_in_the_home_folder_where_nothing_else_is_said(tmp_path: Path) -> None:
    codex = a_file(tmp_path / ".cache/koubou/agents" / CODEX)
    assert programs.native("codex", {"HOME": str(tmp_path)}) == str(codex)


@pytest.mark.parametrize("package", [f"codex/node_modules/@openai/codex-{KIND}", f"codex-{KIND}"])
def test_behind_a_script_of_npm_stands_the_program(tmp_path: Path, package: str) -> None:
    modules = tmp_path / "lib" / "node_modules" / "@openai"
    script = a_file(modules / "codex/bin/codex.js", b"#!/usr/bin/env node\n")
    codex = a_file(modules / package / VENDORED)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "codex").symlink_to(script)
    assert programs.native("codex", {"PATH": str(tmp_path / "bin")}) == str(codex)


def test_a_script_with_no_program_behind_it_is_none(tmp_path: Path) -> None:
    a_file(tmp_path / "codex", b"#!/bin/sh\n")
    assert programs.native("codex", {"PATH": str(tmp_path)}) is None


def test_what_may_not_be_run_is_none(tmp_path: Path) -> None:
    a_file(tmp_path / CODEX).chmod(0o644)
    assert programs.native("codex", {"KOUBOU_AGENTS": str(tmp_path)}) is None
