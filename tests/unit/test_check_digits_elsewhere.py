"""The sums of the offices against those of python-stdnum: what it knows as a number, we know as one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from random import Random

import pytest

from koubou.rules.secrets import check_digits

TRIES = 4_000
DIGITS = "0123456789"
KNOWN: list[tuple[str, int, Callable[[str], bool]]] = [
    ("au.abn", 11, check_digits.is_australian_firm),
    ("au.tfn", 9, check_digits.is_australian_taxpayer),
    ("br.cnpj", 14, check_digits.is_brazilian),
    ("br.cpf", 11, check_digits.is_brazilian),
    ("ch.ssn", 13, check_digits.is_swiss),
    ("de.idnr", 11, check_digits.is_german_taxpayer),
    ("gb.nhs", 10, check_digits.is_british_patient),
    ("in_.aadhaar", 12, check_digits.is_indian),
    ("it.iva", 11, check_digits.is_italian_firm),
    ("kr.rrn", 13, check_digits.is_korean),
    ("luhn", 16, check_digits.passes_luhn),
    ("no.fodselsnummer", 11, check_digits.is_norwegian),
    ("pl.pesel", 11, check_digits.is_polish),
    ("se.personnummer", 10, check_digits.is_swedish),
    ("th.pin", 13, check_digits.is_thai),
    ("tr.tckimlik", 11, check_digits.is_turkish),
    ("verhoeff", 12, check_digits.passes_verhoeff),
]


@pytest.mark.parametrize(("office", "length", "ours"), KNOWN, ids=[office for office, _, _ in KNOWN])
def test_a_number_that_another_knows_is_known_here(office: str, length: int, ours: Callable[[str], bool]) -> None:
    theirs = import_module(f"stdnum.{office}").is_valid
    chance = Random(office)
    last = 1 if office in ("luhn", "verhoeff") else 2
    for _ in range(TRIES // 10**last):
        # A birthday where there is one: other dates are hardly ever met by chance.
        begun = f"{chance.randrange(40, 99)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
        number = (begun + "".join(chance.choices(DIGITS, k=length)))[: length - last]
        for end in range(10**last):
            whole = f"{number}{end:0{last}}"
            assert ours(whole) or not theirs(whole), whole
