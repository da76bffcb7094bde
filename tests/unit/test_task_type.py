"""The type of a task, by its words in three languages."""

from __future__ import annotations

from time import perf_counter

import pytest

from koubou.model.task import TYPES, Message, TaskRequest
from koubou.rules.task_type import find_type
from koubou.rules.task_type_words import WORDS
from tests.wishes import ASKED


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("Review this pull request for mistakes.", "code_review"),
        ("この差分をレビューしてください", "code_review"),
        ("The login crashes with an empty name. Fix the bug.", "bug_fix"),
        ("エラーが出て動かないので直してください", "bug_fix"),
        ("修复登录页面的崩溃问题", "bug_fix"),
        ("Refactor the billing module and clean up dead code.", "refactoring"),
        ("重构这个模块", "refactoring"),
        ("Write unit tests for parser.py", "testing"),
        ("この関数の単体テストを書いて", "testing"),
        ("Write a README and docstrings for the package.", "documentation"),
        ("Propose an architecture with microservices and its trade-offs", "architecture"),
        ("決済基盤のアーキテクチャを設計してください", "architecture"),
        ("Find the shortest path with dynamic programming and give its time complexity.", "algorithm"),
        ("Add support for dark mode to the settings page as a new feature", "feature_implementation"),
        ("Rename the variable in this module", "code_modification"),
        ("Write a Python function that reverses a list", "code_generation"),
        ("写一个脚本统计词频", "code_generation"),
        ("What is the capital of France?", "question_answering"),
        ("俳句とは何ですか", "question_answering"),
        ("京都的天气如何", "question_answering"),
        ("A poem about goldfish", "general"),
        ("", "general"),
    ],
)
def test_words_tell_the_type(prompt: str, wanted: str) -> None:
    found, reason = find_type(TaskRequest(prompt=prompt))
    assert found == wanted
    assert found in TYPES
    assert reason.rule.startswith("type.")


def test_what_the_file_says_is_not_questioned() -> None:
    found, reason = find_type(TaskRequest(type="testing", prompt="Write a README"))
    assert (found, reason.rule) == ("testing", "type.asked")


def test_in_a_conversation_the_last_wish_counts() -> None:
    messages = [
        Message(role="user", content="Write tests"),
        Message(role="assistant", content="Done."),
        Message(role="user", content="Now review the code"),
    ]
    assert find_type(TaskRequest(messages=messages))[0] == "code_review"


@pytest.mark.parametrize("wanted", TYPES)
def test_wishes_in_three_languages_are_known_by_their_type(wanted: str) -> None:
    assert len(ASKED[wanted]) >= 24
    assert {wish: find_type(TaskRequest(prompt=wish))[0] for wish in ASKED[wanted]} == dict.fromkeys(
        ASKED[wanted], wanted
    )


@pytest.mark.parametrize("name", WORDS)
def test_no_expression_finds_what_its_stems_would_pass_over(name: str) -> None:
    words = WORDS[name]
    for wish in (wish.lower() for wishes in ASKED.values() for wish in wishes):
        if words.said.compiled.search(wish):
            assert any(stem in wish for stem in words.stems), wish


def test_latin_words_are_found_between_other_letters() -> None:
    assert find_type(TaskRequest(prompt="このモジュールのdocstringを書いてください"))[0] == "documentation"
    assert find_type(TaskRequest(prompt="请用pytest检验这个类"))[0] == "testing"


def test_work_on_a_text_is_that_whatever_the_text_speaks_of() -> None:
    found, reason = find_type(TaskRequest(prompt="Translate the following bug report and its test cases into Japanese"))
    assert (found, reason.rule) == ("general", "type.text")


@pytest.mark.parametrize("piece", ["add ", "write a ", "给", "- ", "make the ", "set_up ", "コード"])
def test_finding_a_type_takes_time_in_step_with_the_length(piece: str) -> None:
    begun = perf_counter()
    find_type(TaskRequest(prompt=piece * (20_000 // len(piece))))
    assert perf_counter() - begun < 0.25  # some 1 ms; a pattern that runs wild takes seconds
