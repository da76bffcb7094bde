"""scripts/evaluate on a file of labelled texts, as a person or a program runs it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "evaluate"
SENSITIVITY = [
    {"text": "password = 'Kingyo#42sukui'", "label": "confidential", "category": "password"},
    {"text": "Kingyo", "label": "confidential", "category": "unseen"},
    {"text": "For internal use only", "label": "internal", "category": "marker"},
    {"text": "Implement password reset", "label": "public", "category": "prose"},
    {"text": "my password is kingyo42sukui (an example of the manual)", "label": "public", "category": "prose"},
]
DIFFICULTY = [
    {"text": "Fix a typo", "label": "low", "source": "a/b:1.md"},
    {"text": "What is tea?", "label": "low", "source": "a/b:2.md"},
    {"text": "Translate: hello", "label": "medium", "source": "c/d (x)"},
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the detector keeps its rules: compiled once for all of these tests."""
    return tmp_path_factory.mktemp("cache")


def evaluate(cache: Path, *arguments: str, code: int = 0) -> str:
    """What the script prints."""
    run = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        timeout=60,
        check=False,
    )
    assert run.returncode == code, run.stderr
    return run.stdout


def figures(cache: Path, *arguments: str) -> dict[str, Any]:
    """The JSON that it prints."""
    return dict(json.loads(evaluate(cache, *arguments, "--json")))


def write(path: Path, rows: list[dict[str, str]]) -> str:
    """The rows as a file of JSON lines, compressed where its name says so."""
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n"
    path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())
    return str(path)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_recall_and_false_positives_by_category(tmp_path: Path, cache: Path, name: str) -> None:
    found = figures(cache, "sensitivity", write(tmp_path / name, SENSITIVITY))
    assert (found["n"], found["recall"], found["false_positive_rate"]) == (5, 0.5, 0.3333)
    assert found["by_category"]["password"] == {"n": 1, "recall": 1.0, "false_positive_rate": None}
    assert found["by_category"]["prose"] == {"n": 2, "recall": None, "false_positive_rate": 0.5}


def test_accuracy_and_macro_f1_by_source(tmp_path: Path) -> None:
    found = figures(tmp_path, "difficulty", write(tmp_path / "rows.jsonl", DIFFICULTY))
    assert (found["n"], found["accuracy"]) == (3, 0.6667)
    assert found["macro_f1"] == 0.4  # low: 2 * 2 / (2 + 3) = 0.8; medium: 0
    assert found["by_source"]["a/b"] == {"n": 2, "accuracy": 1.0, "macro_f1": 1.0}


def test_people_get_a_table(tmp_path: Path) -> None:
    assert "macro_f1" in evaluate(tmp_path, "difficulty", write(tmp_path / "rows.jsonl", DIFFICULTY))


def test_an_unknown_question_is_a_mistake_of_usage(tmp_path: Path) -> None:
    evaluate(tmp_path, "beauty", "rows.jsonl", code=2)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "has no rows"),
        (b'{"text": "a", "label": "low"}\nx\n', "line 2 is no JSON"),
        (b'{"text": "a"}\n', 'line 1 is no object with "text" and "label"'),
        (b"\xff", "is no UTF-8 text"),
        (b"\x1f\x8bxx", "rows.jsonl: "),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "rows.jsonl"
    if content is not None:
        file.write_bytes(content)
    done = subprocess.run([sys.executable, SCRIPT, "difficulty", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (65, "")
    assert str(file) in done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
