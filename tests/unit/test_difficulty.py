"""How hard a task is, and that every point of the score has its reason."""

from __future__ import annotations

import pytest

from koubou.model.task import Attachment, Difficulty, TaskRequest
from koubou.rules.difficulty import difficulty, weigh
from koubou.rules.task_type import find_type


def judged(request: TaskRequest) -> Difficulty:
    """The difficulty that the rules find."""
    return difficulty(weigh(request, find_type(request)[0])[0], None)[0]


@pytest.mark.parametrize(
    "prompt",
    [
        "Design the architecture of a distributed, fault-tolerant queue with replication and consensus.",
        "分散システムのアーキテクチャを設計し、排他と大規模な移行の最適化も検討してください",
        "设计一个高可用的分布式架构，考虑并发、安全和一致性",
    ],
)
def test_large_designs_are_hard(prompt: str) -> None:
    assert judged(TaskRequest(prompt=prompt)) is Difficulty.HIGH


@pytest.mark.parametrize(
    "prompt", ["Fix a typo", "次の文を翻訳して短く", "请简单总结一下", "What is tea?", "Translate: good morning", ""]
)
def test_small_wishes_are_easy(prompt: str) -> None:
    assert judged(TaskRequest(prompt=prompt)) is Difficulty.LOW


def test_work_on_several_files_with_constraints_is_harder() -> None:
    prompt = "Refactor the parser. It must stay compatible, must not allocate, should keep its API and must have tests."
    files = [Attachment(name=f"{place}.py", content="x = 1\n" * 1500) for place in range(3)]
    alone, _ = weigh(TaskRequest(prompt=prompt), "refactoring")
    among_files, factors = weigh(TaskRequest(prompt=prompt, attachments=files), "refactoring")
    assert among_files > alone
    assert "difficulty.files" in {factor.rule for factor in factors}


def test_the_factors_add_up_to_the_score() -> None:
    request = TaskRequest(prompt="Implement a small cache with tests; it must be fast. " * 3)
    score, factors = weigh(request, "code_generation")
    assert score == sum(int(factor.reason.split(" ")[0]) for factor in factors)


def test_the_score_never_leaves_its_scale() -> None:
    everything = "security concurrency distributed consensus encryption transactions kernel compiler must " * 400
    assert weigh(TaskRequest(prompt=everything, max_output_tokens=16000), "architecture")[0] == 10
    assert weigh(TaskRequest(prompt="simple typo"), "question_answering")[0] == 0


@pytest.mark.parametrize(
    ("score", "wanted"),
    [(0, "low"), (3, "low"), (4, "medium"), (6, "medium"), (7, "high"), (10, "high")],
)
def test_scores_and_their_words(score: int, wanted: str) -> None:
    assert difficulty(score, None)[0] == wanted


def test_an_explicit_wish_goes_before_the_score() -> None:
    found, reason = difficulty(10, Difficulty.LOW)
    assert (found, reason.rule) == (Difficulty.LOW, "difficulty.asked")
