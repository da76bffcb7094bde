"""Numbers behind the word that says what they are: `passport number K4429871`, `ABN: 51 …`, パスポート番号 …."""

from __future__ import annotations

import re

from koubou.rules.expression import Expression
from koubou.rules.secrets import paper_names
from koubou.rules.secrets.check_digits import is_ssn
from koubou.rules.secrets.pattern import MANY_LOOKS, Pattern

_NEAR = 70
"""Characters before a number in which a long name counts."""
# A name and a sign stand before a number, and five letters of its own at most: most digits are not looked at.
_OWN_LETTERS = "|".join(rf"(?<=[^A-Za-z0-9][A-Za-z]{{{count}}}\d)" for count in range(6))
_NO_TIME = r"(?<![0-9T][:.]\d)(?!(?<=0)\.\d)(?!\d{0,2}(?:\.\d{1,3}){3}(?!\d))"
"""Nor parts of times, fractions, and addresses of four bytes."""
_NUMBER = Expression(
    rf"\d{_NO_TIME}(?:{_OWN_LETTERS})"
    r"(?=[A-Za-z0-9*]{4}|\d{0,4}[ ./-][\d ])[A-Za-z0-9*]{0,24}(?:[ ./-]\d[A-Za-z0-9]{0,24}){0,6}"
)
_DATE = Expression(
    r"\d{4}[./-]\d{1,2}[./-]\d{1,2}(?:[T ].{0,20})?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|(?:19|20)\d{2}[01]\d[0-3]\d"
    r"|\d{1,3}(?:\.\d{1,3}){2,3}|(?:19|20)\d{2}[-/](?:19|20)?\d{2}|\d{1,8}\.\d{1,2}|\d{2,5}x\d{2,5}"
)
_AMOUNT = frozenset("$€£¥.")
_OF_ELSE = Expression(
    r"(?:\b(?:issues?|tickets?|bugs?|versions?|pr|pull|lines?|pages?|steps?|sections?|chapters?|rfc|iso|iec|ports?"
    r"|gates?"
    r"|rooms?|rows?|tables?|figures?|errors?|articles?|build|release|until|before|since|after|least|most|than|to|cve"
    r"|phone|tel|call|mobile|extension|year|in)[ -]{1,2}#?|(?<![\w:] )(?<!dl)#)[a-z]{0,2}$"
)
"""Right before a number: what it is a number of, if not of a paper."""
_UNITS = Expression(
    r" ?(?:%|days?|years?|months?|hours?|minutes?|seconds?|characters?|digits|users?|people|records?|rows|times|items"
    r"|bytes|kb|mb|gb|ms|usd|eur|dollars|euros)\b",
    re.I,
)
"""Right behind it."""

_RIGHT_BEFORE = Expression(
    r"(?<![a-z0-9])(?P<name>[a-z]{2,9}(?:-[a-z]{2,5})?)"
    r"(?P<meant>(?: ?(?:no|nr|number|num|n[º°o])\b\.?|#)?(?: ?[:#=]| -{1,2}(?= )| (?:is|ist|est|es|è|é)\b| number\b)?)"
    r"(?P<blank>[ #]{0,3})[a-z]{0,5}$"
)
_TOLD = Expression(rf"\b(?:{'|'.join(paper_names.LATIN)})(?:-?nummer|nr|no)?(?![a-z])|{'|'.join(paper_names.INSIDE)}")
_LINK = Expression(
    r"(?:[^\w\s]|\s|\b(?:cards?|ids?|no|nr|numbers?|nummer|code|is|was|are|ist|lautet|es|est|è|é|to|of|the|my|his|her|it"
    r"|reads|number's|holder|document)\b|[^\x00-\x7f])*[a-z]{0,5}"
)
"""Between a name and its number, where nothing else is spoken of."""
_FAR = 7
"""Digits that a number has which counts at a distance from its name, beyond other words."""
_NAMES = paper_names.FIRST_WORDS | paper_names.SHORT
_LETTERS = re.compile("[a-z]+")


def _accept_told(match: re.Match[str], text: str) -> bool:
    """A number after the word that says what it is: enough digits, and neither a date nor an amount."""
    before = text[max(0, match.start() - _NEAR) : match.start()].rpartition("\n")[2].lower().replace("_", " ")
    if not before or before[-1] in _AMOUNT or not _may_be_told(before):
        return False
    number = match[0].rstrip(" ./-")
    digits = sum(map(str.isdigit, number))
    if digits < 4 or _DATE.compiled.fullmatch(number):
        return False
    letters = len(before) - len(before.rstrip("abcdefghijklmnopqrstuvwxyz"))
    if digits == 4 and letters + len(re.split(r"[ ./-]", number)[0]) < 8:
        return False
    if _is_right_before(before, text[max(0, match.start() - 30) : match.start()], letters, digits):
        return not (before.rstrip(" :#=").endswith("ssn") and digits == 9 and not _may_be_ssn(number))
    plain = number.isdigit() and letters == 0
    if _UNITS.compiled.match(text, match.start() + len(number)) or (digits < 9 and plain and _OF_ELSE.compiled.search(before)):
        return False
    return (
        (digits > 5 or not plain) and (letters > 0 or _may_be_ssn(number)) and _is_near(before, digits < _FAR and plain)
    )


def _may_be_told(before: str) -> bool:
    """Whether a word stands there without which there is no name: most numbers are done with here."""
    if not before.isascii() or not _NAMES.isdisjoint(_LETTERS.findall(before)):
        return True
    return any(stem in before for stem in paper_names.STEMS)


def _may_be_ssn(number: str) -> bool:
    """Whether nine digits are not what the SSA never gives out: no other paper has such a number either."""
    digits = "".join(filter(str.isdigit, number))
    if len(set(digits)) == 1 and (len(digits) == 9 or set(number) <= set("0 ./-")):
        return False
    return re.fullmatch(r"\d{3}-\d{2}-\d{4}", number) is None or is_ssn(digits)


def _is_right_before(before: str, written: str, letters: int, digits: int) -> bool:
    told = _RIGHT_BEFORE.compiled.search(before[-30:])
    if told is None or told["name"] not in paper_names.SHORT:
        return False
    common = told["name"] in paper_names.COMMON and told["name"].upper() not in written
    if told["name"] == "rfc" and not letters:
        return False
    if told["meant"].strip():
        return not (common and told["meant"].endswith("="))
    return told["blank"] != "" and (not common or letters > 0) and digits + letters >= 7


def _is_near(before: str, beside: bool) -> bool:
    """Whether a long name stands there; `beside` the number, if the number alone says little."""
    named = list(_TOLD.compiled.finditer(before))
    return bool(named) and (not beside or _LINK.compiled.fullmatch(before, named[-1].end()) is not None)


PATTERNS = (
    Pattern(
        rule="identity-number-after-its-name",
        category="national_id",
        hints=("",),
        expression=_NUMBER,
        accepts=_accept_told,
        looks=MANY_LOOKS,
    ),
    Pattern(
        rule="plate-after-its-name",
        category="national_id",
        hints=("plate", "plaka", "kennzeichen", "vehicle", "registration"),
        expression=Expression(
            r"(?i:plate|plaka|kennzeichen|vehicle|registration)(?i:s[ıi])?"
            r"(?i:[ ](?:no|number|plate|registration|is|nr))"
            r"{0,3}[.:#]{0,2}[ ]{0,2}(?P<value>[A-ZÄÖÜ0-9]{1,3}[ -]?[A-Z]{1,3}[ -]?\d{2,4}[A-Z]{0,3})(?![A-Za-z0-9-])"
        ),
    ),
)
