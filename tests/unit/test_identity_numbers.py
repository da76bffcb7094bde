"""Check digits and the rules of those who give the numbers out."""

from __future__ import annotations

import pytest

from koubou.rules.secrets.check_digits import is_ssn, passes_luhn
from koubou.rules.secrets.identity_numbers import is_card, is_iban


def with_check_digit(start: str) -> str:
    """The digits with the one that makes Luhn's sum right."""
    return next(start + digit for digit in "0123456789" if passes_luhn(start + digit))


@pytest.mark.parametrize(
    "start",
    [
        "455673758689985",
        "510312345678901",
        "222112345678901",
        "37828224631000",
        "3056930902590",
        "601112345678901",
        "352812345678901",
    ],
)
def test_a_card_has_an_issuer_a_length_and_a_check_digit(start: str) -> None:
    number = with_check_digit(start)
    assert is_card(number)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not is_card(wrong)
    assert not is_card(number + "0")


@pytest.mark.parametrize("number", [with_check_digit("999912345678901"), with_check_digit("170000000000"), "0" * 16])
def test_digits_of_no_issuer_are_no_card(number: str) -> None:
    assert not is_card(number)


def test_a_barcode_is_no_card() -> None:
    both = [number for number in map(str, range(4_900_000_000_000, 4_900_000_000_400)) if passes_luhn(number)]
    barcodes = [n for n in both if sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(n)) % 10 == 0]
    assert barcodes
    assert not any(map(is_card, barcodes))


def test_an_iban_needs_its_country_length_and_remainder() -> None:
    assert is_iban("DE75512108001245126199")
    assert not is_iban("DE75512108001245126198")
    assert not is_iban("DE7551210800124512619")
    assert not is_iban("XX75512108001245126199")
    assert not is_iban("")


@pytest.mark.parametrize("digits", ["219099999", "001010001", "950701234", "912991234"])
def test_numbers_that_are_given_out(digits: str) -> None:
    assert is_ssn(digits)


@pytest.mark.parametrize("digits", ["000123456", "666123456", "219009999", "219090000", "912931234", "900491234"])
def test_numbers_that_are_never_given_out(digits: str) -> None:
    assert not is_ssn(digits)
