"""The look for secrets takes time in proportion to the text: every rule is tried on its own worst texts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koubou.rules import guardrails
from koubou.rules.classify import look
from koubou.rules.expression import Expression
from koubou.rules.secrets import (
    assignments,
    credentials,
    identity_forms,
    identity_numbers,
    lone_numbers,
    markers,
    readings,
    spoken,
    tokens,
    told_numbers,
)
from koubou.rules.secrets.pattern import Pattern

PATTERNS = (
    *assignments.PATTERNS,
    *credentials.PATTERNS,
    *identity_numbers.PATTERNS,
    *markers.PATTERNS,
    *spoken.PATTERNS,
    *tokens.PATTERNS,
    *guardrails.INJECTIONS,
)
BARE = {
    name: value
    for module in (
        credentials,
        guardrails,
        identity_forms,
        identity_numbers,
        lone_numbers,
        markers,
        readings,
        spoken,
        told_numbers,
        tokens,
    )
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern | Expression)
}
KINDS = (
    "a",
    "A",
    "0",
    " ",
    "\n",
    "_",
    "-",
    ".",
    ":",
    "=",
    '"',
    "あ",
    "aB3",
    "a=",
    "0-",
    "a.",
    "://a:",
    "a_",
    "1 ",
    "%41",
)
MOST_GROWTH = 10
"""A text four times as long may take ten times as long: noise, and less than the sixteen of what is quadratic."""


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.rule)
def test_every_rule_is_linear_on_texts_made_of_its_own_parts(pattern: Pattern) -> None:
    for text in worst_texts(pattern.expression.pattern, pattern.hints):
        assert_linear(lambda some: list(pattern.seen_in(some, some.lower())), text)


@pytest.mark.parametrize("expression", BARE.values(), ids=BARE.keys())
def test_every_expression_is_linear_on_texts_made_of_its_own_parts(expression: re.Pattern[str] | Expression) -> None:
    compiled = expression.compiled if isinstance(expression, Expression) else expression
    for text in worst_texts(compiled.pattern, ()):
        assert_linear(lambda some: list(compiled.finditer(some)), text)


@pytest.mark.parametrize(
    "piece", [*KINDS, "AKIA", "eyJa.", "password: ", "\u200b", "QUJD", "\\u0041", "<|", "ignore all "]
)
def test_a_look_is_linear(piece: str) -> None:
    assert_linear(lambda some: look([("prompt", some)]), piece * (20_000 // len(piece)), most=0.5)


@given(
    st.lists(
        st.sampled_from([*KINDS, "password", "token", "Bearer ", "secret", "密码", "-----BEGIN"]),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=25, deadline=None)
def test_no_mixture_is_slow(pieces: list[str]) -> None:
    piece = "".join(pieces)
    assert_linear(lambda some: look([("prompt", some)]), piece * (10_000 // len(piece)), most=0.5)


def worst_texts(pattern: str, hints: tuple[str, ...]) -> Iterator[str]:
    """What a pattern names and what it may stand for, again and again."""
    named = re.findall(r"[^\W_]+|[^\x00-\x7f]", re.sub(r"\\[a-zA-Z]|\{[\d,]*\}|\?P<\w+>", " ", pattern))[:25]
    for pump in dict.fromkeys((*KINDS, *named, *hints[:10])):
        for head in dict.fromkeys(("", hints[0] if hints else "")):
            if pump:
                yield head + pump * (8_000 // len(pump)) + "\x01"


def assert_linear(deed: Callable[[str], object], text: str, most: float = 0.1) -> None:
    """Only what took long is measured against a quarter of it: the rest cannot matter."""
    if seconds(deed, text) > most:
        # Once more, since a collection of garbage may have come between.
        whole = min(seconds(deed, text) for _ in range(2))
        quarter = min(seconds(deed, text[: len(text) // 4]) for _ in range(2))
        if whole <= most:
            return
        assert whole < MOST_GROWTH * quarter, f"{whole:.2f} s, and {quarter:.2f} s for a quarter of it: {text[:60]!r}"


def seconds(deed: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    deed(text)
    return time.process_time() - began
