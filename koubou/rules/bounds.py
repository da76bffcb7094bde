"""How large the bounds are that a text names: who must serve 10^5 of a thing may not try them all."""

from __future__ import annotations

import re
from math import log10

_NUMBER = (
    r"(\d[\d,]{0,20})(?:\s{0,3}(?:[*×·]|\\times|\\cdot)\s{0,3}10\s?(?:\^|\*\*|<sup>)\s?\{?(\d{1,3})"
    r"|\s?(?:\^|\*\*|<sup>)\s?\{?(\d{1,3}))?"
)
_BOUND = re.compile(rf"(?:<=?|≤|≦|\\leq?|&lt;=?)\s{{0,3}}{_NUMBER}")
_BOUND_BEHIND = re.compile(rf"(?<![\d,]){_NUMBER}\}}?\$?\s{{0,3}}以下")


def largest_power(text: str) -> int:
    """The power of ten of the largest upper bound: 5 for `n <= 2 * 10^5`, 18 for `x < 2^60`; 0 where none is named.

    Only what is written with a sign counts, or with 以下: *at most 200 words* is how long an answer may be.
    """
    bounds = _BOUND.findall(text)
    if "以下" in text:
        bounds += _BOUND_BEHIND.findall(text)
    return max((_power(*bound) for bound in bounds), default=0)


def _power(written: str, tens: str, exponent: str) -> int:
    """The power of ten of `written`, of `written * 10^tens` or of `written^exponent`."""
    number = int(written.replace(",", ""))
    if not number:
        return 0
    return int(log10(number) * int(exponent or 1) + int(tens or 0) + 1e-9)  # log10 may be a hair too small
