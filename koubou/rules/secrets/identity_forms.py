"""Numbers of persons and firms that show by their form alone, wherever they stand: letters and digits in set places.

Two expressions look for all of them, one for those that begin with a letter and one for those that begin with a digit.
Each form has a named group; the judge of that name does the sum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from koubou.rules.expression import Expression
from koubou.rules.secrets import check_digits
from koubou.rules.secrets.pattern import Pattern

_INDIAN_STATES = "A[NPRS]|BR|C[GH]|D[DLN]|G[AJ]|H[PR]|J[HK]|K[AL]|L[AD]|M[HLNPZ]|NL|O[DR]|P[BY]|RJ|SK|T[NRS]|U[APK]|WB"
_MBI = "[AC-HJKMNP-RT-Y]"
_TAX_DIGIT, _MONTH_DAY = "[0-9LMNP-V]", r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"

LETTER_FIRST: Mapping[str, str] = {
    "letter_digits_letter": r"(?<=[XYZSTFGM])\d{7}-?[A-Z]",
    "british_insurance": r"(?<=[A-CEGHJ-PR-TW-Z])[A-CEGHJ-NPR-TW-Z](?<!BG|GB|KN|NK|NT|TN|ZZ)"
    r" ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
    "italian_person": rf"[A-Z]{{5}}{_TAX_DIGIT}{{2}}[A-EHLMPRST]{_TAX_DIGIT}{{2}}[A-Z]{_TAX_DIGIT}{{3}}[A-Z]",
    "indian_taxpayer": r"[A-Z]{2}[ABCFGHJLPT][A-Z]\d{4}[A-Z]",
    "indian_vehicle": rf"[A-Z](?<={_INDIAN_STATES})[ -]?\d{{1,2}}[ -]?[A-Z]{{1,3}}[ -]?\d{{4}}",
    "british_driver": r"[A-Z9]{4}\d[0156]\d(?:0[1-9]|[12]\d|3[01])\d[A-Z9]{2}[A-Z0-9][A-Z]{2}",
    "mexican_person": rf"[A-Z]{{3}}\d{{2}}{_MONTH_DAY}[HM][A-Z]{{5}}[A-Z0-9]\d",
    "singapore_firm": r"(?<=[TSR])\d{2}(?:LP|LL|FC|PF|RF|MQ|MM|NB|CC|CS|MB|FM|GS|DP|CP|NR|CM|CD|MD|HS|VH|CH|MH|CL|XL|CX"
    r"|HC|RP|TU|TC|FB|FN|PA|PB|SS|MC|SM|GA|GB)\d{4}[A-Z]",
}
DIGIT_FIRST: Mapping[str, str] = {
    "digits_letter": r"\d{7}-?[A-Z]",
    "finnish_or_swedish": r"\d{5}[-+A-FU-Y]\d{3}[0-9A-Y]",
    "korean_person": rf"(?<=\d)\d{_MONTH_DAY}-[0-9]\d{{6}}",
    "swedish_person": rf"(?<=[12])[09]\d{{2}}{_MONTH_DAY}[-+]\d{{4}}",
    "brazilian_person": r"\d{2}\.\d{3}\.\d{3}-\d{2}",
    "brazilian_firm": r"\d\.\d{3}\.\d{3}/\d{4}-\d{2}",
    "chinese_person": rf"(?<=[1-8])\d{{5}}(?:19|20)\d{{2}}{_MONTH_DAY}\d{{3}}[\dXx]",
    "indian_firm": r"\d[A-Z]{5}\d{4}[A-Z][A-Z0-9]Z[A-Z0-9]",
    "indian_person": r"(?<=[2-9])\d{3}-\d{4}-\d{4}",
    "thai_person": r"-\d{4}-\d{5}-\d{2}-\d",
    "swiss_person": r"(?<=7)56\.\d{4}\.\d{4}\.\d{2}",
    "german_pensioner": r"\d{7}[A-Z]\d{3}",
    "american_patient": rf"(?<=[1-9]){_MBI}(?:{_MBI}|\d)\d-?{_MBI}(?:{_MBI}|\d)\d-?{_MBI}{{2}}\d{{2}}",
    "australian_firm": r"\d \d{3} \d{3} \d{3}",
    "french_person": r"(?<=[12])(?:\d{14}| \d{2} \d{2} \d[\dAB] \d{3} \d{3} \d{2})",
    "south_african": rf"\d{_MONTH_DAY}\d{{4}}[01][89]\d",
}


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _is_letter_digits_letter(number: str) -> bool:
    bare = number.replace("-", "")
    return check_digits.is_spanish(bare) if bare[0] in "XYZ" else check_digits.is_singaporean(bare)


def _is_digits_letter(number: str) -> bool:
    return number[-1] not in "IOU" and check_digits.is_spanish(number.replace("-", ""))


def _is_korean(number: str) -> bool:
    """Those of the years 18xx need their check digit; of the others, since 2020 some have none."""
    return number[7] in "12345678" or check_digits.is_korean(_digits(number))


def _is_swedish(number: str) -> bool:
    """With the century, the year of a grown person: dates of builds look the same."""
    return number[:4] < "2012" and check_digits.is_swedish(_digits(number)[2:])


def _is_finnish_or_swedish(number: str) -> bool:
    digits = _digits(number)
    return check_digits.is_finnish(number) or (len(digits) == 10 and check_digits.is_swedish(digits))


def _is_indian(number: str) -> bool:
    return check_digits.is_indian(_digits(number))


JUDGES: Mapping[str, Callable[[str], bool]] = {
    "letter_digits_letter": _is_letter_digits_letter,
    "digits_letter": _is_digits_letter,
    "finnish_or_swedish": _is_finnish_or_swedish,
    "korean_person": _is_korean,
    "swedish_person": _is_swedish,
    "brazilian_person": lambda number: check_digits.is_brazilian(_digits(number)),
    "brazilian_firm": lambda number: check_digits.is_brazilian(_digits(number)),
    "chinese_person": lambda number: check_digits.is_chinese(number.upper()),
    "indian_firm": check_digits.is_indian_firm,
    "indian_person": _is_indian,
    "thai_person": lambda number: check_digits.is_thai(_digits(number)),
    "swiss_person": lambda number: check_digits.is_swiss(_digits(number)),
    "german_pensioner": check_digits.is_german_pensioner,
    "australian_firm": lambda number: check_digits.is_australian_firm(_digits(number)),
    "french_person": lambda number: len(_digits(number)) == 15 and check_digits.is_french(_digits(number)),
    "south_african": check_digits.is_south_african,
}
"""The form of the others says enough."""


def _one_of(forms: Mapping[str, str]) -> str:
    return "|".join(f"(?P<{name}>{form})" for name, form in forms.items())


def _accept(match: re.Match[str], _text: str) -> bool:
    judge = JUDGES.get(match.lastgroup or "")
    return judge is None or judge(match[0])


# The look behind stands after the first sign: an expression that begins with a set is found ten times as fast.
BEGINS_WITH_LETTER = Expression(rf"[A-Z](?<![A-Za-z0-9_.-][A-Z])(?:{_one_of(LETTER_FIRST)})(?![A-Za-z0-9_-])")
# So does what each of these forms has near its beginning: thirteen digits, or soon a letter or a sign.
BEGINS_WITH_DIGIT = Expression(
    r"\d(?<![A-Za-z0-9_.,/-]\d)(?=\d{12}|\d{0,7}[A-Z.+-]|\d \d{3} | \d\d )"
    rf"(?:{_one_of(DIGIT_FIRST)})(?![A-Za-z0-9_-]|[.,]\d)"
)

PATTERNS = tuple(
    Pattern(rule=rule, category="national_id", hints=("",), expression=expression, accepts=_accept)
    for rule, expression in (
        ("identity-number-of-letters", BEGINS_WITH_LETTER),
        ("identity-number-in-form", BEGINS_WITH_DIGIT),
    )
)
