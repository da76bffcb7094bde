"""The shape of the program: its layers, the size of its modules, a core without clock or chance."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
MODULES = sorted((PROJECT / "koubou").rglob("*.py"))
CORE = [module for module in MODULES if {"model", "rules"} & set(module.relative_to(PROJECT).parts)]
LINES_AT_MOST = 300

IMPURE_MODULES = frozenset(
    {
        *("asyncio", "importlib", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select"),
        *("shutil", "signal", "socket", "sqlite3", "structlog", "subprocess", "sys", "tempfile", "threading", "time"),
        *("uuid", "zoneinfo"),
    }
)
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})
IMPURE_METHODS = frozenset({"now", "utcnow", "today", "urandom", "uuid4", "uuid1"})


def name_of(module: Path) -> str:
    return str(module.relative_to(PROJECT))


def test_the_import_contracts_are_kept() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_longer_than_it_may_be() -> None:
    lengths = {name_of(module): len(module.read_text().splitlines()) for module in MODULES}
    assert {name: length for name, length in lengths.items() if length > LINES_AT_MOST} == {}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_opens_with_one_line_of_what_it_is_for(module: Path) -> None:
    said = ast.get_docstring(ast.parse(module.read_text()))
    assert said, "has no docstring"
    first = said.splitlines()[0]
    assert len(first) > 10
    assert first.rstrip()[-1] in ".:?!"


@pytest.mark.parametrize("module", CORE, ids=name_of)
def test_the_core_knows_no_clock_chance_or_world(module: Path) -> None:
    assert list(impurities(module.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from random import choice",
        "from datetime import datetime\ndef f(): return datetime.now()",
        "from datetime import date\ndef f(): return date.today()",
        "def f(): return open('x')",
        "import importlib\nimportlib.import_module('os')",
    ],
)
def test_the_search_for_clocks_finds_them(source: str) -> None:
    assert list(impurities(source))


def test_every_import_is_absolute() -> None:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), name_of(module)


def test_no_module_is_named_for_nothing() -> None:
    empty_words = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "base"}
    assert [name_of(module) for module in MODULES if set(module.stem.split("_")) & empty_words] == []


def impurities(source: str) -> Iterator[str]:
    """What in this module reaches for the world, with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                reached = [alias.name for alias in names if _is_impure(alias.name)]
            case ast.ImportFrom(module=str(origin)):
                reached = [origin] if _is_impure(origin) else []
            case ast.Call(func=ast.Name(id=called)) if called in IMPURE_CALLS:
                reached = [called]
            case ast.Call(func=ast.Attribute(attr=called)) if called in IMPURE_METHODS:
                reached = [called]
            case _:
                reached = []
        yield from (f"line {getattr(node, 'lineno', 0)}: {each}" for each in reached)


def _is_impure(module: str) -> bool:
    return module.split(".")[0] in IMPURE_MODULES
