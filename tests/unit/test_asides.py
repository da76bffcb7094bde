"""Calls beside the answer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from koubou.model.call import ErrorClass
from koubou.model.phase import Lesser, Phase
from koubou.model.routing import Judge
from koubou.model.run import Run
from koubou.model.task import Difficulty
from koubou.rules.asides import (
    CAP,
    asked_cap,
    asked_of,
    difficulty_of,
    first_phase,
    is_bad_work,
    is_too_much,
    score_of,
    tier_of_aside,
    to_be_judged,
    would_help,
)
from koubou.rules.difficulty import HIGH
from tests.builders import NOW, ROUTING, a_task, a_tier, an_error

JUDGED = replace(ROUTING, judge=Judge(tier="local"), difficulty_judge="local")
RUN = Run(task=1, number=1, tier="local", worker="w", call="c", cap=400, timeout=1, admitted_at=NOW)


def test_each_phase_is_bounded_by_what_it_sends() -> None:
    answer = a_task(input_bytes=1_000, inputs_bytes=200, message_count=2, answer_bytes=5_000)
    size, count = asked_of(answer)
    assert (size, count) == (1_200, 2)
    judging, messages = asked_of(replace(answer, phase=Phase.JUDGE))
    assert judging > size + 5_000
    assert messages == count + 2
    simplified, more = asked_of(replace(answer, lesser=Lesser.SIMPLIFY))
    assert simplified > size
    assert more == count + 1
    question, _ = asked_of(replace(answer, phase=Phase.DIFFICULTY, input_bytes=9_000_000))
    assert question < 20_000, "only an excerpt of a long task is shown"


def test_asides_ask_for_little_and_never_below_what_a_tier_gives_at_least() -> None:
    task = a_task(max_output_tokens=9_000)
    tier = a_tier(min_output_tokens=100)
    assert asked_cap(task, tier) == 9_000
    assert asked_cap(replace(task, phase=Phase.DIFFICULTY), tier) == 100
    assert asked_cap(replace(task, phase=Phase.JUDGE), tier) == 300
    assert asked_cap(replace(task, phase=Phase.JUDGE), a_tier(min_output_tokens=1_024)) == 1_024


def test_a_model_is_asked_how_hard_it_is_only_where_nobody_said_so_and_it_matters() -> None:
    task = a_task(asked_difficulty=None, asked_tier=None)
    assert first_phase(task, HIGH, JUDGED) is Phase.DIFFICULTY
    assert first_phase(task, HIGH, ROUTING) is Phase.ANSWER
    assert first_phase(task, 10, JUDGED) is Phase.ANSWER
    assert first_phase(replace(task, asked_difficulty=Difficulty.LOW), HIGH, JUDGED) is Phase.ANSWER
    assert first_phase(replace(task, asked_tier="high"), HIGH, JUDGED) is Phase.ANSWER


@pytest.mark.parametrize("kind", [ErrorClass.SERVER, ErrorClass.PROXY, ErrorClass.CUT, ErrorClass.TIMEOUT])
def test_failing_twice_at_the_work_itself_is_too_much(kind: ErrorClass) -> None:
    assert is_bad_work(an_error(kind))
    assert not is_too_much(an_error(kind), 1)
    assert is_too_much(an_error(kind), 2)


@pytest.mark.parametrize("kind", [ErrorClass.UNREACHABLE, ErrorClass.AUTH, ErrorClass.RATE, ErrorClass.QUOTA])
def test_what_says_nothing_of_the_model_sends_nobody_up(kind: ErrorClass) -> None:
    assert not is_too_much(an_error(kind), 99)


def test_an_answer_that_was_cut_goes_up_only_to_where_it_may_be_longer() -> None:
    longer, same = a_tier("high", max_output_tokens=2_000), a_tier("high", max_output_tokens=400)
    assert would_help(a_task(), longer, RUN, [CAP])
    assert not would_help(a_task(), same, RUN, [CAP])
    assert not would_help(a_task(max_output_tokens=400), longer, RUN, [CAP]), "the task asked for no more"
    assert would_help(a_task(), same, RUN, ["expect[0]"])
    assert would_help(a_task(), same, RUN, [CAP, "expect[0]"])


def test_who_judges_and_what_is_judged() -> None:
    assert to_be_judged(a_task(), JUDGED)
    assert not to_be_judged(a_task(), ROUTING)
    assert not to_be_judged(a_task(upgraded_to="high"), JUDGED), "the work of a tier up is taken as it is"
    only = replace(JUDGED, judge=Judge(tier="local", types=("bug_fix",)))
    assert not to_be_judged(a_task(type="general"), only)
    assert to_be_judged(a_task(type="bug_fix"), only)
    assert to_be_judged(a_task(lesser=Lesser.VERIFY), ROUTING), "work of a lesser tier is checked without a judge too"
    judging = a_task(phase=Phase.JUDGE, tier="medium")
    assert tier_of_aside(judging, JUDGED) == "local"
    assert tier_of_aside(judging, ROUTING) == "medium"
    assert tier_of_aside(a_task(phase=Phase.DIFFICULTY, tier="medium"), JUDGED) == "local"


@pytest.mark.parametrize(
    ("said", "score"), [("0.5", 0.5), ("0", 0), ("1", 1), ("1.1", None), ("-0.1", None), ("nan", None), ("", None)]
)
def test_a_score_lies_between_0_and_1(said: str, score: float | None) -> None:
    assert score_of(said) == score


def test_what_is_no_level_is_none() -> None:
    assert difficulty_of("high") is Difficulty.HIGH
    assert difficulty_of("High!") is None
    assert score_of(None) is difficulty_of(None) is None
