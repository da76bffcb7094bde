"""How hard a task is, and that every point of the score has its reason."""

from __future__ import annotations

from time import perf_counter

import pytest

from koubou.model.task import Attachment, Difficulty, TaskRequest
from koubou.rules.difficulty import FACTORS, difficulty, required, weigh
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


@pytest.mark.parametrize(
    ("wanted", "prompt"),
    [
        ("low", "Rename the variable tmp to total in this file."),
        ("low", "Write a function that returns the larger of two numbers."),
        ("low", "変数名を total に変更してください"),
        ("low", "写一个函数返回列表中的最大值。"),
        ("medium", "Implement an LRU cache with expiry and unit tests."),
        ("medium", "Refactor the billing module: split the class, keep its interface and add tests."),
        ("medium", "The nightly export fails with a timeout when the database is large. Find the bug and fix it."),
        ("medium", "この解析処理をリファクタリングして、キャッシュを追加してください。"),
        ("medium", "实现一个带过期时间的缓存，并编写单元测试。"),
        ("high", "Find the race condition that corrupts transactions in our concurrent queue and prove the fix."),
        ("high", "A full-stack chat: login, real-time messages over WebSockets, uploads, an admin role, a database."),
        ("high", "分散キャッシュを設計・実装し、整合性と並行性を証明してください。性能の分析も必要です。"),
        ("high", "设计并实现一个分布式事务协议，证明其一致性，并优化性能。"),
    ],
)
def test_what_people_ask_for_in_three_languages(wanted: str, prompt: str) -> None:
    assert judged(TaskRequest(prompt=prompt)) == wanted


WEB_SHOP = "# Shop\n\n- A visitor sees the goods.\n- A visitor puts them into a basket.\n"


@pytest.mark.parametrize(
    "optional",
    [
        "## Bonus features\n\n- login\n- payment\n- a database\n### Later\n- real-time chat\n",
        "## Extra credit (optional)\n\n- replicate the distributed database\n",
        "Optional:\n- a game engine with physics\n",
        "## 任意\n- 決済と認証\n",
        "Optional:\r\n- a distributed database\r\n",
        "## 可选\n- 支付和登录\n",
    ],
)
def test_what_is_optional_makes_it_no_harder(optional: str) -> None:
    assert weigh(TaskRequest(prompt=WEB_SHOP + optional), "general") == weigh(TaskRequest(prompt=WEB_SHOP), "general")


def test_what_comes_after_an_optional_part_counts_again() -> None:
    text = "# Shop\n## Bonus\n- login\n### More\n- chat\n## Payment\n- checkout\n# Resource limits\n- 1 GB"
    assert required(text) == "# Shop\n## Payment\n- checkout\n# Resource limits\n- 1 GB"


def test_a_pasted_log_is_not_a_long_wish() -> None:
    pasted = "What does this say?\n```\n" + "line of a log\n" * 400 + "```\n"
    assert "difficulty.length" not in {factor.rule for factor in weigh(TaskRequest(prompt=pasted), "general")[1]}


def test_a_long_answer_is_more_work() -> None:
    assert weigh(TaskRequest(prompt="A story of 3000 words"), "general")[0] == 3
    assert weigh(TaskRequest(prompt="春についての5000字の随筆"), "general")[0] == 3
    assert weigh(TaskRequest(prompt="A story", max_output_tokens=5000), "general")[0] == 3


GRID = (
    "A gardener walks over a grid from tree to tree, never twice along the same hedge. Say how many paths there are, "
    "and give the shortest of them."
)


def points_of(prompt: str, factor: str, task_type: str = "general") -> int:
    """The points that one factor gives."""
    told = weigh(TaskRequest(prompt=prompt), task_type)[1]
    return sum(int(reason.reason.split(" ")[0]) for reason in told if reason.rule == f"difficulty.{factor}")


def test_in_a_short_problem_a_word_of_hard_work_says_more() -> None:
    assert points_of(GRID, "dense") == 2
    assert points_of(f"{GRID} {'He rests at noon. ' * 20}", "dense") == 0


def test_in_a_single_sentence_a_word_is_the_topic_and_no_more() -> None:
    assert points_of("Name three well known books about trees and graphs.", "dense") == 0


def test_work_on_what_is_there_begins_higher_and_gains_nothing_by_being_short() -> None:
    assert points_of(GRID, "dense", "bug_fix") == 0


@pytest.mark.parametrize(
    "example", ["Example 1:\nInput: ###.\nOutput: 4\n", "入力例\n####\n", "样例：\n####\n", "```\n####\n```\n"]
)
def test_worked_examples_make_no_long_problem_of_a_short_one(example: str) -> None:
    assert points_of(f"{GRID}\n\n{(example + chr(10)) * 30}", "dense") == 2


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (0, "Give back the sum of all the numbers."),
        (0, "Sum it up in at most 500 words."),
        (0, "```\nif count <= 100000:\n```"),
        (1, "Give back the sum, 1 <= n <= 300."),
        (2, "Give back the sum, 1 <= n <= 2 * 10^5."),
        (2, "総和を求めてください。1 ≤ N ≤ 200000"),
        (2, "求区间和，n≤10^6。"),
    ],
)
def test_a_large_bound_makes_a_problem_harder(points: int, said: str) -> None:
    assert points_of(said, "bound") == points


def test_no_word_of_small_work_makes_hard_work_easy() -> None:
    said = "A simple way to keep a distributed and concurrent cache secure"
    assert "difficulty.small" not in {factor.rule for factor in weigh(TaskRequest(prompt=said), "general")[1]}


def test_every_factor_can_be_reached() -> None:
    themes = "distributed database game graph compare customers typo typo"
    everything = f"Why? {themes} {'must ' * 5}\n" + "- a point that is listed\n" * 100 + "n <= 10^5, in 9000 words"
    files = [Attachment(name=f"{place}.py", content="x = 1\n" * 1500) for place in range(3)]
    reached = {factor.rule for factor in weigh(TaskRequest(prompt=everything, attachments=files), "general")[1]}
    reached |= {factor.rule for factor in weigh(TaskRequest(prompt=GRID), "general")[1]}
    assert reached == {f"difficulty.{factor.name}" for factor in FACTORS} | {"difficulty.type"}


@pytest.mark.parametrize(
    "piece",
    [
        "# a\n",
        "```\n~~~\n",
        " ",
        "\n",
        "a:\n",
        "- ",
        "bonus\n",
        "9",
        "9,",
        "<= 9",
        "以下",
        "example\n",
        "例\n\n",
        "設計",
        "## bonus\n",
    ],
)
def test_weighing_takes_time_in_step_with_the_length(piece: str) -> None:
    begun = perf_counter()
    weigh(TaskRequest(prompt=piece * (20_000 // len(piece))), "general")
    assert perf_counter() - begun < 0.25  # some 3 ms; a pattern that runs wild takes seconds


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
