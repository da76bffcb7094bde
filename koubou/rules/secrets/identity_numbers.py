"""Numbers of persons and accounts: cards, social security, bank accounts, identity papers; with their check digits.

Sources: ISO/IEC 7812 (cards), ISO 13616 (IBAN), SSA and IRS rules for SSN and ITIN, ISO 7064 MOD 11-2 (China).
"""

from __future__ import annotations

import re

from koubou.rules.expression import Expression
from koubou.rules.secrets import identity_forms, told_numbers
from koubou.rules.secrets.check_digits import is_barcode, is_ssn, passes_luhn
from koubou.rules.secrets.pattern import Pattern

# The look behind stands after the first digit: an expression that begins with a digit is found ten times as fast.
_FIRST = r"\d(?<![A-Za-z0-9_./-]\d)(?<![0-9][ .,-]\d)"
_AFTER = r"(?![A-Za-z0-9_])(?![ .-]\d)"


def is_card(digits: str) -> bool:
    """Whether these digits are a card's: an issuer's prefix with its length, the check digit, no barcode."""
    length, head = len(digits), int(digits[:4])
    issued = (
        (digits[0] == "4" and length in {13, 16, 19})
        or ((5100 <= head < 5600 or 2200 <= head <= 2720) and length == 16)
        or ((digits[:2] in {"34", "37", "15"} or digits[:2] in {"12", "13"}) and length == 15)
        or ((3000 <= head < 3060 or digits[:2] in {"36", "38", "39"}) and length == 14)
        or ((head == 6011 or 6440 <= head < 6600 or digits[:2] == "62") and 16 <= length <= 19)
        or (3528 <= head < 3590 and 16 <= length <= 19)
        or ((digits[:2] in {"50", "56", "57", "58"} or digits[0] == "6") and length in {16, 18, 19})
    )
    return issued and len(set(digits)) > 1 and passes_luhn(digits) and not (length == 13 and is_barcode(digits))


def is_iban(text: str) -> bool:
    """Whether letters and digits are an international bank account number: its country's length, remainder 1 of 97."""
    if len(text) != _IBAN_LENGTHS.get(text[:2], -1):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def _digits(match: re.Match[str]) -> str:
    return re.sub(r"\D", "", match[0])


def _accept_card(match: re.Match[str], text: str) -> bool:
    separator = match[1] or match[2]
    if separator and separator.isspace() and re.match(r"[ \t]{1,2}\d", text[match.end() : match.end() + 3]):
        return False  # part of a longer row of groups
    if separator in {"  ", "\t"} and re.search(r"\d[ \t]{1,2}$", text[max(0, match.start() - 3) : match.start()]):
        return False  # numbers in columns
    return is_card(_digits(match))


def _accept_ssn(match: re.Match[str], _text: str) -> bool:
    digits = _digits(match)
    return is_ssn(digits) and len(set(digits)) > 1


def _accept_iban(match: re.Match[str], _text: str) -> bool:
    letters = re.sub(r"[ -]", "", match[0]).upper()
    length = _IBAN_LENGTHS.get(letters[:2], 0)
    # A word may follow the number after a blank; what counts is the length that the country sets.
    return 0 < length <= len(letters) and is_iban(letters[:length])


_IBANS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
    "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 "
    "KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 "
    "PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 "
    "UA29 VA22 VG24 XK20 YE30"
)
_IBAN_LENGTHS = {code[:2]: int(code[2:]) for code in re.findall(r"\w{4}", _IBANS)}
"""Letters and digits of an IBAN by country, as the registry of ISO 13616 lists them."""

PATTERNS = (
    Pattern(
        rule="payment-card",
        category="credit_card",
        hints=("",),
        expression=Expression(
            r"\d(?<![A-Za-z0-9_.]\d)(?<!\d-\d)(?:\d{12,15}|\d{3}(  ?|[-.\t—])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?"
            r"|\d{3}(  ?|[-\t—])\d{6}\2\d{4,5})(?![A-Za-z0-9_])(?![.,]\d(?!\d?/\d)|-\d)"
        ),
        accepts=_accept_card,
    ),
    Pattern(
        rule="social-security-number",
        category="ssn",
        hints=("",),
        expression=Expression(rf"{_FIRST}\d{{2}}([- .—])\d{{2}}\1\d{{4}}{_AFTER}"),
        accepts=_accept_ssn,
    ),
    Pattern(
        rule="bank-account-iban",
        category="iban",
        hints=("",),
        expression=Expression(r"[A-Z](?<![A-Za-z0-9][A-Z])[A-Z]\d{2}(?:[ -]?[A-Za-z0-9]){11,31}"),
        accepts=_accept_iban,
    ),
    Pattern(
        rule="bank-account-iban",
        category="iban",
        hints=("iban",),
        around=80,
        expression=Expression(r"[a-z](?<![a-z0-9][a-z])[a-z]\d{2}(?:[ -]?[a-z0-9]){11,31}"),
        accepts=_accept_iban,
        exact=False,
    ),
    *identity_forms.PATTERNS,
    *told_numbers.PATTERNS,
)
DIGITS = re.compile(r"\d[ \t.—-]?[ ]?\d")
"""What every one of these rules needs somewhere; without it none is tried."""
