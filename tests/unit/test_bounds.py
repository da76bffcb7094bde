"""The size of the bounds that a text names."""

from __future__ import annotations

from time import perf_counter

import pytest

from koubou.rules.bounds import largest_power


@pytest.mark.parametrize(
    ("power", "text"),
    [
        (0, "no number at all"),
        (0, "n >= 1000 is no upper bound"),
        (0, "at most 200 words"),
        (0, "n < 0, m <= 1"),
        (0, "<div>5000</div>"),
        (1, "0 <= a < 10"),
        (2, "1 ≤ H, W ≤ 300"),
        (3, "n<=1000"),
        (4, "n <= 5 * 10^4"),
        (5, "1 <= n <= 300 and q <= 10**5"),
        (5, r"$1 \leq n \leq 2 \times 10^{5}$"),
        (5, "1 &lt;= n &lt;= 10<sup>5</sup>"),
        (5, "N は 200,000 以下の整数"),
        (9, "m<=100, n<=1,000,000,000"),
        (18, "A_i < 2^60"),
    ],
)
def test_the_largest_upper_bound_counts(power: int, text: str) -> None:
    assert largest_power(text) == power


@pytest.mark.parametrize("piece", ["9", "9,", "<", "<=9", "<= 9 * 10^", "以下", "9以下", "< "])
def test_looking_for_bounds_takes_time_in_step_with_the_length(piece: str) -> None:
    begun = perf_counter()
    largest_power(piece * (20_000 // len(piece)) + "以下")
    assert perf_counter() - begun < 0.25  # some 10 ms; a pattern that runs wild takes seconds
