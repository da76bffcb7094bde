from __future__ import annotations

from builders import an_account

from koubou.config.operations import OPERATIONS
from koubou.model.account import Amounts, Bearer
from koubou.model.call import Usage
from koubou.model.money import USD
from koubou.model.task import TYPES
from koubou.rules.estimate import Operation, Room, expected, operation_for, prompt_tokens, rooms_in

REVIEW = Operation(name="reviewCode", type="code_review", input_tokens=8_000, output_tokens=1_500)


def a_bearer(left: int, **changes: object) -> Bearer:
    account = an_account(ceiling=left, **changes)  # type: ignore[arg-type]
    return Bearer(account=account, bearable=left, most=left)


def test_a_call_of_a_model_reads_its_prompt_and_writes_what_its_kind_of_work_does() -> None:
    assert expected(300, REVIEW, executor="chat", input_bound=900, cap=16_000) == Usage(
        input_tokens=300, output_tokens=1_500
    )


def test_an_agent_reads_more_than_its_prompt() -> None:
    assert expected(300, REVIEW, executor="codex", input_bound=900, cap=16_000).input_tokens == 8_300
    assert expected(300, REVIEW, executor="command:mine", input_bound=900, cap=16_000).input_tokens == 8_300


def test_no_estimate_is_above_its_bound() -> None:
    assert expected(300, REVIEW, executor="chat", input_bound=200, cap=1_000) == Usage(
        input_tokens=200, output_tokens=1_000
    )
    assert expected(300, None, executor="chat", input_bound=900, cap=1_000).output_tokens == 1_000


def test_four_letters_of_english_are_a_token_and_japanese_is_dearer() -> None:
    assert prompt_tokens([{"content": "a" * 400}]) == 108
    assert prompt_tokens([{"content": "工房" * 50}]) == 88
    assert prompt_tokens([{"content": ""}, {"content": "a"}]) == 13


def test_the_first_kind_of_work_of_a_type_counts() -> None:
    table = {"a": REVIEW, "b": Operation(name="b", type="code_review", input_tokens=1, output_tokens=1)}
    assert operation_for("code_review", table) is REVIEW
    assert operation_for("testing", table) is None


def test_every_type_of_task_has_a_kind_of_work() -> None:
    assert {row["type"] for row in OPERATIONS.values()} == set(TYPES)
    assert OPERATIONS["analyzeIssue"] == {"type": "general", "input_tokens": 5_000, "output_tokens": 500}


def test_so_many_fit_as_find_the_least_that_is_held_for_them() -> None:
    probably, least = Amounts(usd=USD // 10, tokens=100, calls=1), Amounts(usd=USD // 2, tokens=150, calls=1)
    bearers = [
        a_bearer(USD),
        a_bearer(USD // 2 - 1, name="day:2027-01-15"),
        a_bearer(1_000, name="session:x", dimension="tokens"),
        a_bearer(7, name="submitter:0:month:2027-01", dimension="calls"),
    ]
    assert rooms_in(bearers, probably, least) == [
        Room(account="month:2027-01", dimension="usd", left=USD, fit=6),
        Room(account="day:2027-01-15", dimension="usd", left=USD // 2 - 1, fit=0),
        Room(account="session:x", dimension="tokens", left=1_000, fit=9),
        Room(account="submitter:0:month:2027-01", dimension="calls", left=7, fit=7),
    ]


def test_what_costs_nothing_fits_without_end_and_accounts_of_the_task_itself_say_nothing() -> None:
    bearers = [a_bearer(USD), a_bearer(USD, name="task:x"), Bearer(account=an_account(), bearable=None, most=None)]
    assert [(room.account, room.fit) for room in rooms_in(bearers, Amounts(), Amounts())] == [("month:2027-01", None)]
