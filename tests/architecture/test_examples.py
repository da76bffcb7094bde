"""What the project shows to its readers is kept in step with what it does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
EXAMPLES = sorted((PROJECT / "examples").rglob("*.yaml"))
SCRIPTS = sorted(
    path for path in (PROJECT / "scripts").iterdir() if path.is_file() and path.read_text().startswith("#!")
)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_teaches(example: Path) -> None:
    text = example.read_text()
    assert text.startswith("# "), "the first line says what it shows"
    for document in yaml.safe_load_all(text):
        assert document["id"]
        assert document["prompt"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_run_and_says_what_it_is_for(script: Path) -> None:
    lines = script.read_text().splitlines()
    assert os.access(script, os.X_OK)
    assert lines[1].startswith(("# ", '"""'))
    if "bash" in lines[0]:
        assert "set -euo pipefail" in lines
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_the_integration_runs_what_a_developer_runs() -> None:
    assert re.search(r'^exec ".*/scripts/check"$', (PROJECT / ".ci" / "run").read_text(), re.MULTILINE)


def test_every_example_is_a_task_file_by_the_schema() -> None:
    import json

    import jsonschema

    koubou = Path(sys.executable).with_name("koubou")
    printed = subprocess.run([koubou, "schema"], capture_output=True, text=True, timeout=30, check=True)
    schema = json.loads(printed.stdout)
    for example in EXAMPLES:
        for document in yaml.safe_load_all(example.read_text()):
            jsonschema.validate(document, schema)


def test_the_sheet_to_copy_from_has_every_key_and_is_a_task_file() -> None:
    from koubou.folders.task_file import Budget, TaskFile

    text = (PROJECT / "etc" / "task.yaml").read_text(encoding="utf-8")
    shown = set(re.findall(r"^(?:# )?([a-z_]+):(?: |$)", text, re.MULTILINE))
    assert shown == set(TaskFile.model_fields)
    document = yaml.safe_load(text)
    assert set(document["budget"]) == set(Budget.model_fields)
    TaskFile.model_validate(document)
