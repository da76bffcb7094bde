"""The page of the API says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from koubou.window.reference import openapi, render

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_api_is_current() -> None:
    written = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    assert written == render(), "stale: run `python -m koubou.window.reference > docs/reference/api.md`"


def test_every_answer_that_is_no_success_is_a_problem_and_every_path_has_a_summary() -> None:
    for path, methods in openapi()["paths"].items():
        for method, about in methods.items():
            assert about["summary"], path
            for status, answer in about["responses"].items():
                if re.match("[45]", status) and path not in ("/healthz", "/readyz"):
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
