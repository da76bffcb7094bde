"""A text that is nothing but a number is a number of a person if it can be one; within a text it is any number."""

from __future__ import annotations

import pytest

from koubou.rules.classify import look

ALONE = ["6869934673", "686 993 4673", "61080122769\n", "84735220360", "487719180682", "775176765", "PQR4467918"]


@pytest.mark.parametrize("number", ALONE)
def test_a_number_alone_is_found(number: str) -> None:
    assert [finding.rule for finding in look([("prompt", number)])] == ["identity-number-alone"]
    assert [finding.where for finding in look([("prompt", "Whose?"), ("messages[1]", number)])] == ["messages[1]"]


@pytest.mark.parametrize("number", ALONE)
@pytest.mark.parametrize("text", ["sort these: {} 4 5", "1\n{}\n3", "rows={}"])
def test_the_same_number_in_a_text_is_left_alone(number: str, text: str) -> None:
    assert look([("prompt", text.format(number.strip()))]) == ()


@pytest.mark.parametrize("where", ["id", "title", "workspace", "files[0].name"])
def test_the_name_of_a_task_may_be_a_number(where: str) -> None:
    assert look([(where, ALONE[0])]) == ()


@pytest.mark.parametrize("number", ["6869934674", "1622883330", "1700000000123", "0123456789", "078-05-0000", "42"])
def test_other_numbers_alone_are_left_alone(number: str) -> None:
    assert look([("prompt", number)]) == ()
