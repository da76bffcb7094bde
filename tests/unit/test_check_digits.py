"""The sums of the offices: each knows its own numbers, and nearly none that was mistyped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from koubou.rules.secrets import check_digits
from koubou.rules.secrets.check_digits import CHECKS

VALID: list[tuple[Callable[[str], bool], str]] = [
    (check_digits.is_british_patient, "6869934673"),
    (check_digits.is_spanish, "71483344B"),
    (check_digits.is_spanish, "X4858147H"),
    (check_digits.is_finnish, "191075-301C"),
    (check_digits.is_korean, "8206152396618"),
    (check_digits.is_chinese, "110101199410151978"),
    (check_digits.is_brazilian, "13456548206"),
    (check_digits.is_brazilian, "75515217000133"),
    (check_digits.is_thai, "4697729486625"),
    (check_digits.is_south_african, "6611096341084"),
    (check_digits.is_french, "257067511632902"),
    (check_digits.is_australian_firm, "79949773348"),
    (check_digits.is_australian_taxpayer, "775176765"),
    (check_digits.is_australian_patient, "3584744529"),
    (check_digits.is_polish, "61080122769"),
    (check_digits.is_turkish, "84735220360"),
    (check_digits.is_german_taxpayer, "13795682475"),
    (check_digits.is_german_pensioner, "52140772K173"),
    (check_digits.is_norwegian, "03018609451"),
    (check_digits.is_indian, "487719180682"),
    (check_digits.is_indian_firm, "27KTMPO4821K1ZY"),
    (check_digits.is_japanese, "472019860395"),
    (check_digits.is_swedish, "9003182103"),
    (check_digits.is_swiss, "7567602426032"),
    (check_digits.is_italian_firm, "68047730970"),
    (check_digits.is_singaporean, "S1930816B"),
    (check_digits.is_singaporean, "G0615977Q"),
    (check_digits.is_singaporean, "M5180860J"),
]


@pytest.mark.parametrize(("check", "number"), VALID, ids=lambda part: getattr(part, "__name__", part))
def test_a_number_passes_and_with_another_digit_it_does_not(check: Callable[[str], bool], number: str) -> None:
    assert check(number)
    places = [place for place, sign in enumerate(number[:-1]) if sign.isdigit()]
    mistyped = [number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :] for place in places]
    assert sum(map(check, mistyped)) <= 1


@pytest.mark.parametrize(("length", "checks"), CHECKS.items())
def test_noughts_are_nobodys_number(length: int, checks: tuple[Callable[[str], bool], ...]) -> None:
    assert not any(check("0" * length) for check in checks)


def test_the_number_that_was_sold_with_wallets_is_nobodys() -> None:
    assert check_digits.is_ssn("078051121")
    assert not check_digits.is_ssn("078051120")
