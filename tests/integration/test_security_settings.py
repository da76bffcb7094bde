"""What an operator may say of words, patterns, paths and people, and how mistakes are told."""

from __future__ import annotations

import json
import os
import pwd
import re
import time
from pathlib import Path

import pytest
from settings_files import Shelf

from koubou.config.pattern_trial import why_unfit
from koubou.config.security_settings import policy_of
from koubou.model.policy import OPEN, Policy, Verdict
from koubou.rules.secrets.own_words import patterns_of
from koubou.wire.codec import to_json, value_of


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_nothing_said_is_nothing_added(shelf: Shelf) -> None:
    shelf.write("home: /w")
    assert policy_of(shelf.load().security) == OPEN


def test_everything_that_is_said_arrives(shelf: Shelf) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    shelf.write(
        f"""
security:
  confidential: {{words: [aurora], patterns: ['PRJ-\\d{{4}}'], paths: ['*.pem'], submitters: [{me}, 4711, "4712"]}}
  internal: {{words: [kontor], patterns: ['K-\\d']}}
  guardrails:
    {{prompt_injection: refuse, banned_words: [goldfish], on_banned_word: refuse, on_secret_in_answer: refuse}}
"""
    )
    policy = policy_of(shelf.load().security)
    assert policy == Policy(
        confidential_words=("aurora",),
        confidential_patterns=(r"PRJ-\d{4}",),
        confidential_paths=("*.pem",),
        confidential_submitters=(os.getuid(), 4711, 4712),
        internal_words=("kontor",),
        internal_patterns=(r"K-\d",),
        prompt_injection=Verdict.REFUSE,
        banned_words=("goldfish",),
        on_banned_word=Verdict.REFUSE,
        on_secret_in_answer=Verdict.REFUSE,
    )
    assert len(patterns_of(policy)) == 5
    assert value_of(Policy, json.loads(to_json(policy))) == policy


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("confidential: {patterns: ['(a+)+$']}", "too slow"),
        ("confidential: {patterns: ['(']}", "no regular expression"),
        ("confidential: {patterns: ['a*']}", "every text"),
        (f"internal: {{patterns: ['{'a' * 501}']}}", "500 characters at most"),
        ("confidential: {words: [x]}", "two characters or more"),
        ("confidential: {words: [' x ']}", "two characters or more"),
        ("confidential: {submitters: [nobody-is-called-this]}", "must be a user of this machine"),
        ("confidential: {submitters: [true]}", "the name of a user"),
        ("guardrails: {prompt_injection: ignore}", "must be one of"),
        ("internal: {paths: ['*.pem']}", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_line(shelf: Shelf, said: str, problem: str) -> None:
    shelf.write(f"home: /w\nsecurity:\n  {said}\n")
    (told,) = shelf.problems()
    assert problem in told.message
    assert told.line == 3
    assert told.key is not None
    assert told.key.startswith("security.")


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bPRJ-\d{4}\b",
        r"project\s{1,4}aurora",
        r"[A-Z]{2}\d{6}[A-Z]?",
        r"(?:極光|オーロラ)計画",
        r"kunde \d+",
        r"\d+-\d+",
    ],
)
def test_an_ordinary_pattern_is_taken(pattern: str) -> None:
    assert why_unfit(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"(a+)+$", r"(\w+\s?)+$", r"(.*,)+x", r".*a.*b.*c.*d.*e", r"(foo|f.o)+x", r"(日本|日本語?)+x", r"(x+x+)+y"),
        *(r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(\d+\.?)+Z", r"([ア-ン]+)*x", r"kunde\s*nr\.?\s*:?\s*\d+"),
    ],
)
def test_a_pattern_that_can_be_made_slow_is_refused_in_no_time(pattern: str) -> None:
    re.compile(pattern)
    began = time.process_time()
    assert "too slow" in str(why_unfit(pattern))
    assert time.process_time() - began < 5
