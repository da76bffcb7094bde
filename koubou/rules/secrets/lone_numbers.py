"""A text that is nothing but one number: whoever sends that sends a number of a person, if its check digits say so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from koubou.rules.secrets.check_digits import CHECKS, passes_luhn
from koubou.rules.secrets.identity_forms import BEGINS_WITH_DIGIT, BEGINS_WITH_LETTER, JUDGES
from koubou.rules.secrets.pattern import Sighting

_LONGEST = 40
_PLACES = ("prompt", "messages", "files")
_DIGITS = re.compile(r"\d{1,6}(?:[ -]\d{1,6}){1,5}|\d{9,15}")
_IN_THREES = re.compile(r"\d{3}([ -])\d{3}\1\d{3}")
_IN_ORDER = "01234567890123456789"
_OF_AMERICA = re.compile(r"\d{3}[ -]\d{2}[ -]\d{4}")
_TIME = re.compile(r"1[4-9]\d{8}(?:\d{3})?")
_FORMS = re.compile(r"[STFGM]\d{7}[A-Z]|[A-Z]{3}\d{7}|[A-Z]{5}\d{4}[A-Z]")
"""NRIC, voter's card and PAN: their offices keep the sum to themselves."""


def lone_numbers(texts: Sequence[tuple[str, str]], starts: Sequence[int]) -> Iterator[Sighting]:
    """The texts that are one number, with the offsets at which the texts start in the document."""
    for (where, text), start in zip(texts, starts, strict=True):
        if len(text) <= _LONGEST and where.startswith(_PLACES) and not where.endswith(".name") and _is_number(text):
            yield Sighting(
                rule="identity-number-alone", category="national_id", start=start, end=start + len(text.rstrip())
            )


def _is_number(text: str) -> bool:
    number = text.strip().upper()
    if _DIGITS.fullmatch(number):
        digits = "".join(filter(str.isdigit, number))
        if len(set(digits)) < 3 or digits in _IN_ORDER or _OF_AMERICA.fullmatch(number) or _TIME.fullmatch(number):
            return False
        checks = CHECKS.get(len(digits), ())
        return any(check(digits) for check in checks) or (bool(_IN_THREES.fullmatch(number)) and passes_luhn(digits))
    for form in (BEGINS_WITH_LETTER, BEGINS_WITH_DIGIT):
        if match := form.compiled.fullmatch(number):
            judge = JUDGES.get(match.lastgroup or "")
            return judge is None or judge(number) or _FORMS.fullmatch(number) is not None
    return _FORMS.fullmatch(number) is not None
