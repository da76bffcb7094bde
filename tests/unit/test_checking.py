"""Everything that is wrong with a document is said at once, in plain sentences, without quoting it."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from koubou.documents.checking import Mistakes, check
from koubou.documents.reading import read_documents
from koubou.errors import Problem

SECRET = "hunter2-hunter2"


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rates(Closed):
    input: float
    output: float = 0


class Tool(Closed):
    base_url: str = "x"
    reach: Literal["local", "cloud"] = "local"
    retries: int = Field(default=1, ge=0, le=9)
    price: Literal["auto"] | Rates = "auto"
    sharp: bool = True


class Chest(Closed):
    tools: dict[str, Tool] = {}
    spare: list[Tool] = []
    best: Tool | None = None
    names: tuple[str, ...] = ()


def problems(text: str) -> list[Problem]:
    (document,) = read_documents(text.encode(), name="a.yaml")
    with pytest.raises(Mistakes) as caught:
        check(Chest, document, file="a.yaml")
    assert SECRET not in str(caught.value)
    return list(caught.value.problems)


def test_a_good_document_becomes_the_model() -> None:
    (document,) = read_documents(b"tools: {saw: {retries: 3, price: {input: 1}}}", name="a.yaml")
    assert check(Chest, document, file="a.yaml").tools["saw"].price == Rates(input=1)


def test_every_mistake_is_told_in_the_order_of_the_file() -> None:
    found = problems("tools:\n  saw: {retries: 99}\n  axe: {sharp: 7}\nspare: 5\ntoolz: {}\n")
    assert [(each.line, each.column, each.key) for each in found] == [
        (2, 9, "tools.saw.retries"),
        (3, 9, "tools.axe.sharp"),
        (4, 1, "spare"),
        (5, 1, "toolz"),
    ]
    assert str(found[0]) == "a.yaml:2:9: tools.saw.retries must be 9 or less"
    assert str(found[3]) == 'a.yaml:5:1: unknown key "toolz" (did you mean "tools"?)'


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("tools: {saw: {base_ulr: x}}", "tools.saw.base_ulr", "base_url"),
        ("spare: [{}, {rtries: 1}]", "spare[1].rtries", "retries"),
        ("best: {raech: local}", "best.raech", "reach"),
        ("tools: {saw: {price: {inptu: 1}}}", "tools.saw.price.inptu", "input"),
    ],
)
def test_an_unknown_key_gets_the_nearest_that_may_stand_there(text: str, key: str, near: str) -> None:
    assert (key, near) in [(each.key, each.nearest) for each in problems(text)]


def test_a_key_that_is_near_nothing_is_told_what_may_stand_there() -> None:
    assert str(problems("best: {zzz: 1}")[0]).endswith("known are base_url, price, reach, retries, sharp")


def test_a_word_that_is_none_of_the_allowed_gets_them_and_the_nearest() -> None:
    (found,) = problems("tools: {saw: {reach: lokal}}")
    assert str(found) == 'a.yaml:1:15: tools.saw.reach must be one of local, cloud (did you mean "local"?)'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("best: {base_url: 5}", "best.base_url must be text; put it in quotes"),
        ("best: {base_url: [a]}", "best.base_url must be text"),
        (f"best: {{retries: {SECRET}}}", "best.retries must be a whole number"),
        ("best: {retries: 1.5}", "best.retries must be a whole number"),
        (f"best: {{sharp: {SECRET}}}", "best.sharp must be true or false"),
        ("best: {on: 1}", "best has a key that is no text; put the key in quotes"),
        ("on: 1", "has a key that is no text; put the key in quotes"),
        (f"best: {SECRET}", "best must be a mapping (key: value)"),
        (f"spare: {SECRET}", "spare must be a list"),
        ("names: [a, 5]", "names[1] must be text; put it in quotes"),
        ("best: {price: {input: x}}", "best.price.input must be a number"),
        ("best: {price: {}}", "best.price.input is required"),
        (f"best: {{price: {SECRET}}}", "best.price must be one of auto"),
    ],
)
def test_mistakes_are_told_in_plain_sentences(text: str, sentence: str) -> None:
    assert [each.message for each in problems(text)] == [sentence]


def test_a_document_that_is_no_mapping_is_told_so() -> None:
    assert str(problems(SECRET)[0]) == "a.yaml:1:1: must be a mapping (key: value)"


@pytest.mark.parametrize("key", [f"{SECRET} and more", "a7-X9fQ2bLk4Zr8T", "C01234567", "ab1CdEfGhi2JkLmN", "k" * 61])
def test_a_key_that_looks_like_no_word_is_not_shown(key: str) -> None:
    (found,) = problems(f"'{key}': 1")
    assert key not in str(found)
    assert found.line == 1
