"""How long a provider says that nothing is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from koubou.model.instant import HOUR, MINUTE, SECOND
from koubou.rules.provider_errors import LONGEST_WAIT
from koubou.rules.rate_headers import quiet_for
from tests.builders import NOW

REQUESTS = ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
TOKENS = ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset")


@pytest.mark.parametrize(
    ("reset", "wait"),
    [
        ("6m0s", 6 * MINUTE),
        ("1s", SECOND),
        ("250ms", 250),
        ("1m0.5s", MINUTE + 500),
        ("17", 17 * SECOND),
        ("0.2", 200),
        ("2027-01-15T08:00:30Z", 30 * SECOND),
        ("2027-01-15T09:00:30+01:00", 30 * SECOND),
    ],
)
def test_nothing_is_left_until_it_is_said_to_be(reset: str, wait: int) -> None:
    for left, until in (REQUESTS, TOKENS):
        assert quiet_for({left: "0", until: reset}, NOW) == wait


def test_where_something_is_left_nobody_waits() -> None:
    assert quiet_for({REQUESTS[0]: "1", REQUESTS[1]: "6m0s"}, NOW) is None
    assert quiet_for({REQUESTS[1]: "6m0s"}, NOW) is None
    assert quiet_for({}, NOW) is None


def test_the_longest_of_several_waits_counts_and_none_is_for_ever() -> None:
    both = {REQUESTS[0]: "0", REQUESTS[1]: "1s", TOKENS[0]: " 0 ", TOKENS[1]: "30s"}
    assert quiet_for(both, NOW) == 30 * SECOND
    assert quiet_for({REQUESTS[0]: "0", REQUESTS[1]: "999999999d"}, NOW) == LONGEST_WAIT >= HOUR // 6


@pytest.mark.parametrize("reset", ["", "soon", "-5s", "-5", "0", "0s", "2027-01-15T07:00:00Z", "nan", "1e9", "6m 0s"])
def test_what_cannot_be_read_or_is_over_asks_for_nothing(reset: str) -> None:
    assert quiet_for({REQUESTS[0]: "0", REQUESTS[1]: reset}, NOW) is None


@given(some.dictionaries(some.sampled_from([*REQUESTS, *TOKENS]), some.text(max_size=40)))
def test_no_header_makes_it_fail(headers: dict[str, str]) -> None:
    wait = quiet_for(headers, NOW)
    assert wait is None or 0 < wait <= LONGEST_WAIT
