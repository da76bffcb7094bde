"""Numbers of persons and accounts: cards, social security, bank accounts, identity papers; with their check digits.

Sources: ISO/IEC 7812 (cards), ISO 13616 (IBAN), SSA and IRS rules for SSN and ITIN, ISO 7064 MOD 11-2 (China).
"""

from __future__ import annotations

import re

from koubou.rules.secrets.pattern import Pattern

# The look behind stands after the first digit: an expression that begins with a digit is found ten times as fast.
_FIRST = r"\d(?<![A-Za-z0-9_.,#/=-]\d)(?<![0-9][ .-]\d)"
_AFTER = r"(?![A-Za-z0-9_])(?![ .-]\d)"


def passes_luhn(digits: str) -> bool:
    """The check digit of cards (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


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
    return issued and len(set(digits)) > 1 and passes_luhn(digits) and not (length == 13 and _is_barcode(digits))


def is_iban(text: str) -> bool:
    """Whether letters and digits are an international bank account number: its country's length, remainder 1 of 97."""
    if len(text) != _IBAN_LENGTHS.get(text[:2], -1):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def is_ssn(digits: str) -> bool:
    """Whether nine digits can be a social security number (SSA, since 2011) or an ITIN (IRS)."""
    area, group, serial = int(digits[:3]), int(digits[3:5]), int(digits[5:])
    if 900 <= area <= 999:
        return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
    return area not in {0, 666} and group != 0 and serial != 0


def _is_barcode(digits: str) -> bool:
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


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


def _accept_chinese(match: re.Match[str], _text: str) -> bool:
    number = match[0].upper()
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return (
        "10X98765432"[sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11]
        == number[17]
    )


def _accept_spanish(match: re.Match[str], _text: str) -> bool:
    number = match[0].upper().replace("-", "")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(str("XYZ".index(number[0])) + number[1:8]) % 23] == number[8]


def _accept_singapore(match: re.Match[str], _text: str) -> bool:
    number = match[0]
    total = sum(int(digit) * weight for digit, weight in zip(number[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    total += 4 if number[0] in "TG" else 0
    return ("JZIHGFEDCBA" if number[0] in "ST" else "XWUTRQPNMLK")[total % 11] == number[8]


def _accept_told(match: re.Match[str], text: str) -> bool:
    """A number after the word that says what it is: enough digits, and neither a date nor an amount."""
    number = match[0].rstrip(" ./-")
    head = re.search(r"[A-Za-z]{0,6}$", text[max(0, match.start() - 6) : match.start()])
    first = (head[0] if head else "") + re.split(r"[ ./-]", number)[0]
    digits = sum(map(str.isdigit, number))
    if digits < 4 or (digits == 4 and len(first) < 8) or _DATE.fullmatch(number):
        return False
    before = text[max(0, match.start() - 70) : match.start() + 1].rpartition("\n")[2]
    return before[-2:-1] not in _AMOUNT and _TOLD.search(before.lower()) is not None


_AMOUNT = frozenset("$€£¥.")
_NUMBER = re.compile(r"\d(?<![\d]\d)[A-Za-z0-9]{0,24}(?:[ ./-]\d[A-Za-z0-9]{0,24}){0,6}")
_DATE = re.compile(
    r"\d{4}[./-]\d{1,2}[./-]\d{1,2}(?:[T ].{0,20})?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|(?:19|20)\d{2}[01]\d[0-3]\d"
    r"|\d{1,3}(?:\.\d{1,3}){2,3}"
)
_PAPERS = (
    "passport|reisepass|passeport|pasaporte|passaporto|paspoort",
    "driver['’]?s? ?licen[cs]e|driving licen[cs]e|driver'?s permit|permis de conduire|patente di guida",
    "licencia de conducir|voter(?:'s)? ?(?:id|card)|medicare|steuer-?id|steuernummer|south african id",
    "national (?:id|identity|identification|insurance)(?: card| number| no)?|identity card|personal id",
    "id (?:card|code|number)(?= ?(?:is|no|number|:|#))|social security|social insurance|taxpayer",
    "tax (?:id|number|file number)|ssns?|itin|nric|cpf|cnpj|curp|rrn|frn|tckn|t\\.?c\\.? kimlik|krankenkasse",
    "aadhaar|aadhar|nino|bsn|pesel|kvnr|rvnr|mbi|personnummer|personal-?nummer|svnr|pan (?:card|number|no)",
    "bank account(?: number| no)?|account (?:number|no)|kontonummer|routing number",
)
_SHORT = "fin|tin|dni|nie|nif|nas|sin|nhs|ahv|vnr|licen[cs]e"
"""Words of other meanings too: only with a colon, or a word for number, behind them."""
_INSIDE = (
    "f(?:ü|ue)hrerschein|fahrerlaubnis|steueridentifikation|sozialversicherung|número de identificación",
    "マイナンバー|個人番号|旅券番号|パスポート|免許証番号|運転免許|口座番号|保険者番号|年金番号",
    "身份证|身分證|护照|護照|银行(?:账号|卡号|账户)|社保(?:号|卡)|주민등록번호|여권번호|운전면허|계좌번호|เลขบัตรประชาชน",
)
_MEANT = r"(?: ?(?:no|number|nr))?(?: ?[:#=]| is\b| number\b)"
_TOLD = re.compile(
    rf"\b(?:{'|'.join(_PAPERS)})(?![a-z])"
    rf"|\b(?:{_SHORT}){_MEANT}"
    rf"|{'|'.join(_INSIDE)}"
)
_STEMS = (
    *("passport", "reisepass", "passeport", "pasaporte", "passaporto", "paspoort", "licen", "permit", "permis"),
    *(
        "patente",
        "voter",
        "medicare",
        "steuer",
        "identi",
        "id card",
        "id code",
        "id number",
        "african id",
        "national",
        "social",
        "taxpayer",
        "tax ",
        "ssn",
        "itin",
        "nric",
    ),
    *("cpf", "cnpj", "curp", "rrn", "frn", "tckn", "kimlik", "krankenkasse", "aadha", "nino", "bsn", "pesel", "kvnr"),
    *("rvnr", "mbi", "personnummer", "personal", "svnr", "pan ", "account", "kontonummer", "routing"),
    *(
        "hrerschein",
        "fahrerlaubnis",
        "sozialversicherung",
        "マイナンバー",
        "番号",
        "パスポート",
        "運転免許",
        "身份",
        "身分",
    ),
    *("护照", "護照", "银行", "社保", "번호", "운전면허", "เลข"),
)
"""One of them stands in every text in which one of the long names does."""
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
        expression=re.compile(
            r"\d(?<![A-Za-z0-9_.]\d)(?<!\d-\d)(?:\d{12,15}|\d{3}(  ?|[-\t—])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?"
            r"|\d{3}(  ?|[-\t—])\d{6}\2\d{4,5})(?![A-Za-z0-9_])(?![.,]\d|-\d)"
        ),
        accepts=_accept_card,
    ),
    Pattern(
        rule="social-security-number",
        category="ssn",
        hints=("",),
        expression=re.compile(rf"{_FIRST}\d{{2}}([- .—])\d{{2}}\1\d{{4}}{_AFTER}"),
        accepts=_accept_ssn,
    ),
    Pattern(
        rule="bank-account-iban",
        category="iban",
        hints=("",),
        expression=re.compile(r"[A-Z](?<![A-Za-z0-9][A-Z])[A-Z]\d{2}(?:[ -]?[A-Za-z0-9]){11,31}"),
        accepts=_accept_iban,
    ),
    Pattern(
        rule="identity-number-after-its-name",
        category="national_id",
        hints=_STEMS,
        expression=_NUMBER,
        accepts=_accept_told,
        clue=re.compile(rf"(?:[ft]in|dni|ni[ef]|nas|sin|nhs|ahv|vnr){_MEANT}"),
    ),
    Pattern(
        rule="chinese-resident-identity",
        category="national_id",
        hints=("",),
        expression=re.compile(
            r"[1-8](?<![A-Za-z0-9.][1-8])\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d"
            r"|3[01])\d{3}[\dXx](?![A-Za-z0-9])"
        ),
        accepts=_accept_chinese,
    ),
    Pattern(
        rule="korean-resident-number",
        category="national_id",
        hints=("-",),
        expression=re.compile(
            r"\d(?<![A-Za-z0-9-]\d)\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}(?![A-Za-z0-9-])"
        ),
    ),
    Pattern(
        rule="spanish-foreigner-number",
        category="national_id",
        hints=("",),
        expression=re.compile(r"[XYZ](?<![A-Za-z0-9-][XYZ])\d{7}-?[A-Z](?![A-Za-z0-9-])"),
        accepts=_accept_spanish,
    ),
    Pattern(
        rule="singapore-identity",
        category="national_id",
        hints=("",),
        expression=re.compile(r"[STFG](?<![A-Za-z0-9-][STFG])\d{7}[A-Z](?![A-Za-z0-9-])"),
        accepts=_accept_singapore,
    ),
    Pattern(
        rule="british-insurance-number",
        category="national_id",
        hints=("",),
        expression=re.compile(
            r"[A-CEGHJ-PR-TW-Z](?<![A-Za-z0-9-][A-Z])[A-CEGHJ-NPR-TW-Z](?<!BG|GB|KN|NK|NT|TN"
            r"|ZZ) ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Za-z0-9-])"
        ),
    ),
    Pattern(
        rule="italian-fiscal-code",
        category="national_id",
        hints=("",),
        expression=re.compile(
            r"[A-Z](?<![A-Za-z0-9][A-Z])[A-Z]{5}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Za-z0-9])"
        ),
    ),
    Pattern(
        rule="medicare-beneficiary",
        category="national_id",
        hints=("",),
        expression=re.compile(
            r"[1-9](?<![A-Za-z0-9-][1-9])[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}(?![A-Za-z0-9-])"
        ),
    ),
)
DIGITS = re.compile(r"\d[ \t.—-]?[ ]?\d")
"""What every one of these rules needs somewhere; without it none is tried."""
