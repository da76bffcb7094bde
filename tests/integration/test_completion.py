"""Completion as the shells themselves do it: a real bash, zsh and fish read the script and complete lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import NOW, a_new_task

from koubou.board import Board, open_for_writing
from koubou.folders.layout import Layout

PROGRAMS = str(Path(sys.executable).parent)
BASH = """
eval "$(koubou completion bash)"
while IFS= read -r line; do
  COMP_LINE=$line COMP_POINT=${#line} COMP_TYPE=9 COMPREPLY=()
  read -ra COMP_WORDS <<<"$line"
  [[ $line == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  completer=$(complete -p koubou) && completer=${completer##*-F } && completer=${completer%% *}
  $completer koubou "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  for word in "${COMPREPLY[@]}"; do printf '%s|' "$word"; done
  echo
done
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workshop that nobody serves, with three tasks and two tiers."""
    folder = tmp_path_factory.mktemp("completion")
    layout = Layout(home=str(folder / "home"))
    layout.ensure()
    board = Board(open_for_writing(Path(layout.board) / "koubou.db"))
    with board.transaction():
        for number, name in enumerate(("fix-login", "Fix-logout", "review")):
            board.tasks.insert(a_new_task(name, session="release-42"), NOW + number)
    board.close()
    config = folder / "koubou.yaml"
    config.write_text(f"home: {layout.home}\ntiers:\n  strong: {{reach: cloud}}\n  house: {{reach: local}}\n")
    return config


def in_shell(config: Path | str, *words: str, stdin: str = "") -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KOUBOU_", "_ARGCOMPLETE"))}
    environment = {**kept, "KOUBOU_CONFIG": str(config), "PATH": f"{PROGRAMS}:{kept['PATH']}", "HOME": "/nonexistent"}
    done = subprocess.run(words, input=stdin, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def completed(config: Path | str, *lines: str) -> list[set[str]]:
    """What a real bash would offer for each of these lines."""
    told = in_shell(config, "bash", "-c", BASH, stdin="".join(f"{line}\n" for line in lines))
    return [{word.strip() for word in line.split("|") if word.strip()} for line in told.splitlines()]


def test_bash_completes_verbs_options_and_what_the_workshop_has(settings: Path) -> None:
    found = completed(
        settings,
        "koubou sta",
        "koubou list --stat",
        "koubou list --status fa",
        "koubou pause ",
        "koubou --set budget.monthly.usd=5 show fix-",
        "koubou retry ",
        "koubou list --session re",
        "koubou budget se",
        "koubou budget set tier:",
        "koubou completion z",
    )
    assert found == [
        {"status"},
        {"--status"},
        {"failed"},
        {"strong", "house"},
        {"fix-login"},
        set(),
        {"release-42"},
        {"set"},
        {"strong", "house"},
        {"zsh"},
    ]


def test_a_workshop_that_is_not_there_completes_verbs_and_says_nothing(tmp_path: Path) -> None:
    for config in (tmp_path / "none.yaml", tmp_path):
        assert completed(config, "koubou canc", "koubou cancel ", "koubou pause x") == [{"cancel"}, set(), set()]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_the_script() -> None:
    script = 'autoload -Uz compinit && compinit -u -D; eval "$(koubou completion zsh)"; print $_comps[koubou]'
    assert in_shell("/none", "zsh", "-fc", script).strip() == "_python_argcomplete"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_by_the_script(settings: Path) -> None:
    script = 'koubou completion fish | source; complete -C "koubou show fix-"; complete -C "koubou versi"'
    assert {line.split("\t")[0] for line in in_shell(settings, "fish", "-c", script).splitlines()} >= {
        "fix-login",
        "version",
    }
