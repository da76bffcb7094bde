"""The check digits by which numbers of persons, firms and accounts are told from other numbers.

Sources: ISO/IEC 7812 (cards), ISO 7064 (China, Germany), and the rules that each office publishes for its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

_SPANISH = "TRWAGMYFPDXBNJZSQVHLCKE"
_FINNISH = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_ANY = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIHEDRAL = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_TURNS = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)
"""Verhoeff's tables, as UIDAI uses them for Aadhaar."""


def passes_luhn(digits: str) -> bool:
    """The check digit of cards (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def passes_verhoeff(digits: str) -> bool:
    """The check digit of an Aadhaar."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_DIHEDRAL[state][int(_TURNS[place % 8][int(digit)])])
    return state == 0


def is_birthday(month: str, day: str) -> bool:
    """Whether two digits each can be a month and a day."""
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def is_ssn(digits: str) -> bool:
    """Whether nine digits can be a social security number (SSA, since 2011) or an ITIN (IRS).

    078-05-1120, which was sold in every wallet of one maker, is nobody's any more.
    """
    area, group, serial = int(digits[:3]), int(digits[3:5]), int(digits[5:])
    if 900 <= area <= 999:
        return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
    return digits != "078051120" and area not in {0, 666} and group != 0 and serial != 0


def is_spanish(number: str) -> bool:
    """DNI, NIF and NIE: eight digits and a letter, or X, Y, Z and seven."""
    return _SPANISH[int(number[:-1].translate({88: "0", 89: "1", 90: "2"})) % 23] == number[-1]


def is_singaporean(number: str) -> bool:
    """NRIC and FIN (the letter M since 2022)."""
    total = _weighed(number[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(number[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "M": "KLJNPQRTUWX"}.get(number[0], "XWUTRQPNMLK")
    return letters[10 - total % 11 if number[0] == "M" else total % 11] == number[8]


def is_finnish(number: str) -> bool:
    """A henkilötunnus: ddmmyy, a sign for the century, three digits, a check letter."""
    return is_birthday(number[2:4], number[:2]) and _FINNISH[int(number[:6] + number[7:10]) % 31] == number[10]


def is_swedish(digits: str) -> bool:
    """A personnummer, of ten digits."""
    return is_birthday(digits[2:4], digits[4:6]) and passes_luhn(digits)


def is_korean(digits: str) -> bool:
    """A resident registration number as it was given until 2020, with its check digit."""
    total = _weighed(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))
    return is_birthday(digits[2:4], digits[4:6]) and (11 - total % 11) % 10 == int(digits[12])


def is_chinese(number: str) -> bool:
    """A resident identity number (ISO 7064 MOD 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[_weighed(number[:17], weights) % 11] == number[17]


def is_brazilian(digits: str) -> bool:
    """A CPF, of eleven digits, or a CNPJ, of fourteen."""
    if len(set(digits)) == 1:
        return False
    for length in (len(digits) - 2, len(digits) - 1):
        most = 100 if len(digits) == 11 else 8
        total = sum(int(digits[length - 1 - place]) * (place % most + 2) for place in range(length))
        if (-total % 11) % 10 != int(digits[length]):
            return False
    return True


def is_thai(digits: str) -> bool:
    """A national identity number, of thirteen digits."""
    return digits[0] != "0" and (11 - _weighed(digits, tuple(range(13, 1, -1))) % 11) % 10 == int(digits[12])


def is_south_african(digits: str) -> bool:
    """An identity number: yymmdd, four digits, citizenship, eight or nine, a check digit."""
    told = is_birthday(digits[2:4], digits[4:6]) and digits[10] in "012" and digits[11] in "89"
    return told and passes_luhn(digits)


def is_french(digits: str) -> bool:
    """A number of the sécurité sociale, of fifteen digits."""
    return digits[0] in "12" and 1 <= int(digits[3:5]) <= 42 and 97 - int(digits[:13]) % 97 == int(digits[13:])


def is_australian_firm(digits: str) -> bool:
    """An ABN, of eleven digits."""
    weights = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
    return digits[0] != "0" and (_weighed(digits, weights) - 10) % 89 == 0


def is_australian_taxpayer(digits: str) -> bool:
    """A TFN, of nine digits."""
    return len(set(digits)) > 1 and _weighed(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_australian_patient(digits: str) -> bool:
    """A Medicare card number, of ten digits."""
    return digits[0] in "23456" and _weighed(digits, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def is_british_patient(digits: str) -> bool:
    """An NHS number, of ten digits."""
    return len(set(digits)) > 1 and _weighed(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_polish(digits: str) -> bool:
    """A PESEL; the century stands in its month."""
    dated = 1 <= int(digits[2:4]) % 20 <= 12 and 1 <= int(digits[4:6]) <= 31
    return dated and _weighed(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_turkish(digits: str) -> bool:
    """A TCKN, of eleven digits."""
    numbers = [int(digit) for digit in digits]
    tenth = (sum(numbers[0:9:2]) * 7 - sum(numbers[1:8:2])) % 10
    return numbers[0] > 0 and tenth == numbers[9] and sum(numbers[:10]) % 10 == numbers[10]


def is_german_taxpayer(digits: str) -> bool:
    """A Steuer-ID: of the first ten digits one comes twice or three times (ISO 7064 MOD 11,10)."""
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product - 1) % 10 + 1) * 2 % 11
    return digits[0] != "0" and 8 <= len(set(digits[:10])) <= 9 and (11 - product) % 10 == int(digits[10])


def is_italian_firm(digits: str) -> bool:
    """A partita IVA, of eleven digits: seven, the office of a province, a check digit."""
    office = int(digits[7:10])
    return (1 <= office <= 100 or office in {120, 121, 888, 999}) and passes_luhn(digits)


def is_norwegian(digits: str) -> bool:
    """A fødselsnummer, of eleven digits, or a D-nummer, whose day has 40 added."""
    first = _weighed(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = _weighed(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    return is_birthday(digits[2:4], f"{int(digits[:2]) % 40}") and first == 0 == second


def is_indian(digits: str) -> bool:
    """An Aadhaar, of twelve digits."""
    return digits[0] in "23456789" and digits != digits[::-1] and passes_verhoeff(digits)


def is_indian_firm(number: str) -> bool:
    """A GSTIN: the state, a PAN, a count, Z, and a check letter of base 36."""
    total = 0
    for place, letter in enumerate(number[:14]):
        product = _ANY.index(letter) * (1 + place % 2)
        total += product // 36 + product % 36
    return 1 <= int(number[:2]) <= 38 and _ANY[-total % 36] == number[14]


def is_japanese(digits: str) -> bool:
    """A My Number, of twelve digits."""
    rest = _weighed(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return len(set(digits)) > 1 and int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def is_german_pensioner(number: str) -> bool:
    """A Rentenversicherungsnummer: area, ddmmyy, a letter, a serial number, a check digit."""
    digits = number[:8] + f"{ord(number[8]) - 64:02d}" + number[9:]
    products = zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=False)
    total = sum(sum(map(int, str(int(digit) * weight))) for digit, weight in products)
    return is_birthday(number[4:6], number[2:4]) and total % 10 == int(number[11])


def is_swiss(digits: str) -> bool:
    """An AHV number, which is a barcode that begins with 756."""
    return digits.startswith("756") and is_barcode(digits)


def is_barcode(digits: str) -> bool:
    """Whether thirteen digits are an EAN-13 (GS1)."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def _weighed(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_dated(check: Callable[[str], bool], digits: str) -> bool:
    """With the century in front, as Sweden writes it too."""
    return digits[:2] in {"19", "20"} and check(digits[2:])


CHECKS: dict[int, tuple[Callable[[str], bool], ...]] = {
    9: (is_australian_taxpayer,),
    10: (is_british_patient, is_australian_patient, is_swedish),
    11: (
        *(is_australian_firm, is_polish, is_turkish, is_brazilian, is_german_taxpayer, is_norwegian),
        is_italian_firm,
    ),
    12: (is_indian, is_japanese, partial(_is_dated, is_swedish)),
    13: (is_thai, is_south_african, is_korean, is_swiss),
    14: (is_brazilian,),
    15: (is_french,),
}
"""By the count of digits: the offices whose number it may be."""
