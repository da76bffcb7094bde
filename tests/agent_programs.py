"""Codex CLI and Claude Code, or what plays them, as a test starts them: straight against a provider."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from koubou.config.programs import native

CODEX = native("codex", os.environ)
CLAUDE = native("claude", os.environ)
needs_codex = pytest.mark.skipif(CODEX is None, reason="Codex CLI is not installed: scripts/agents")
needs_claude = pytest.mark.skipif(CLAUDE is None, reason="Claude Code is not installed: scripts/agents")

PROMPT = "Make the file."
SETTINGS = """
model_provider = "provider"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
web_search = "disabled"
[analytics]
enabled = false
[features]
plugins = false
apps = false
unbounded_connection_retries = false
[agents]
enabled = false
[model_providers.provider]
name = "provider"
base_url = "{base_url}"
env_key = "PROVIDER_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_MAX_RETRIES": "1",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
}


class Agent:
    """One run of a program: what it said, line by line, and how it ended."""

    def __init__(self, started: subprocess.Popen[str], workspace: Path) -> None:
        self._started = started
        self.workspace = workspace

    @property
    def process(self) -> subprocess.Popen[str]:
        """The program, to send it signals."""
        return self._started

    def end(self, within: float = 60) -> tuple[int, list[dict[str, Any]]]:
        """Its exit status and its events."""
        said, complained = self._started.communicate(timeout=within)
        assert said, complained
        return self._started.returncode, [json.loads(line) for line in said.splitlines()]


def codex(
    folder: Path,
    base_url: str,
    *,
    model: str,
    key: str = "right",
    program: str | None = CODEX,
    prompt: str = PROMPT,
) -> Agent:
    """Codex CLI on its way, with a home and a workspace of its own in `folder`."""
    assert program is not None
    home = folder / "home"
    home.mkdir()
    (home / "config.toml").write_text(SETTINGS.format(base_url=base_url))
    words = [program, "exec", "--strict-config", "--json", "--skip-git-repo-check", "--ephemeral", "-m", model, "-"]
    return _started(words, folder, {"HOME": str(home), "CODEX_HOME": str(home), "PROVIDER_KEY": key}, prompt)


def claude(
    folder: Path,
    base_url: str,
    *,
    model: str = "claude-sonnet-4-5",
    key: str = "right",
    program: str | None = CLAUDE,
    prompt: str = PROMPT,
) -> Agent:
    """Claude Code on its way, with a home and a workspace of its own in `folder`."""
    assert program is not None
    home, temporary = folder / "home", folder / "tmp"
    temporary.mkdir()
    words = [program, "-p", "--verbose", "--output-format", "stream-json", "--model", model, "--strict-mcp-config"]
    words += ["--permission-prompts", "none", "--setting-sources", "", "--no-session-persistence"]
    words += ["--allowedTools", "Bash", "Read", "Write", "Edit"]
    place = {"HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / ".claude"), "TMPDIR": str(temporary)}
    provider = {"ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": base_url.removesuffix("/v1")}
    return _started(words, folder, {**place, **provider, **QUIET}, prompt)


def _started(words: list[str], folder: Path, environment: dict[str, str], prompt: str) -> Agent:
    workspace = folder / "workspace"
    workspace.mkdir()
    question = folder / "question.txt"
    question.write_text(prompt)
    with question.open() as stdin:
        started = subprocess.Popen(
            words,
            cwd=workspace,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    return Agent(started, workspace)
