"""What follows a run without an answer."""

from typing import Any

import pytest

from koubou.model.call import ErrorClass
from koubou.model.decision import FallBack, Refused, RunAgain
from koubou.rules.retry import LONGEST_WAIT, after_error
from tests.builders import an_error


def decide(
    kind: ErrorClass, failures: int = 1, has_fallback: bool = True, **error: Any
) -> RunAgain | FallBack | Refused:
    return after_error(
        an_error(kind, **error), failures=failures, retries=3, retry_delay=1_000, has_fallback=has_fallback, chance=0.5
    )


def test_a_rate_limit_is_waited_out_and_burns_no_try() -> None:
    decision = decide(ErrorClass.RATE, failures=99, retry_after=7_000)
    assert isinstance(decision, RunAgain)
    assert (decision.delay, decision.counts) == (7_000, False)


def test_no_provider_makes_us_wait_for_ever() -> None:
    decision = decide(ErrorClass.RATE, retry_after=10**9)
    assert isinstance(decision, RunAgain)
    assert decision.delay == LONGEST_WAIT


@pytest.mark.parametrize("kind", [ErrorClass.QUOTA, ErrorClass.AUTH, ErrorClass.CONTEXT])
def test_what_only_another_tier_can_mend_is_never_tried_again(kind: ErrorClass) -> None:
    assert isinstance(decide(kind), FallBack)
    assert isinstance(decide(kind, has_fallback=False), Refused)


def test_a_login_whose_refusal_may_pass_is_tried_again_and_burns_no_try() -> None:
    decision = after_error(
        an_error(ErrorClass.AUTH), failures=9, retries=0, retry_delay=7_000, has_fallback=True, chance=0.5, passes=True
    )
    assert isinstance(decision, RunAgain)
    assert (decision.delay, decision.counts) == (7_000, False)


@pytest.mark.parametrize("kind", [ErrorClass.BAD_REQUEST, ErrorClass.POLICY])
def test_what_nobody_can_mend_fails_at_once(kind: ErrorClass) -> None:
    assert isinstance(decide(kind), Refused)


def test_what_is_wrong_with_a_workspace_is_not_laid_at_the_providers_door() -> None:
    decision = decide(ErrorClass.BAD_REQUEST, code="missing")
    assert isinstance(decision, Refused)
    assert "workspace" in decision.remedy
    assert "provider" not in decision.remedy


@pytest.mark.parametrize("kind", [ErrorClass.SERVER, ErrorClass.PROXY, ErrorClass.CUT, ErrorClass.UNREACHABLE])
def test_what_may_pass_is_tried_again_with_growing_waits_then_elsewhere(kind: ErrorClass) -> None:
    waits = []
    for failures in (1, 2, 3):
        decision = decide(kind, failures)
        assert isinstance(decision, RunAgain)
        waits.append(decision.delay)
    assert waits == [500, 1_000, 2_000]
    assert isinstance(decide(kind, 4), FallBack)
    assert isinstance(decide(kind, 4, has_fallback=False), Refused)
