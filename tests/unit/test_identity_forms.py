"""Numbers that show by their form are found in any sentence; what has the form and not the sum is left alone."""

from __future__ import annotations

import pytest

from koubou.rules.classify import look

FOUND = [
    "71483344B",
    "71483344-B",
    "X4858147H",
    "G0615977Q",
    "191075-301C",
    "820615-2396618",
    "900318-2103",
    "19900318-2103",
    "134.565.482-06",
    "75.515.217/0001-33",
    "110101199410151978",
    "27KTMPO4821K1ZY",
    "KTMPO4821K",
    "KA 05 MH 4821",
    "4877-1918-0682",
    "4-6977-29486-62-5",
    "756.7602.4260.32",
    "52140772K173",
    "79 949 773 348",
    "2 57 06 75 116 329 02",
    "6611096341084",
    "PK 31 07 42 D",
    "NTRKHB72P54C816Q",
    "SATOK708123KN9PL",
    "LOMR720415HDFPRC07",
    "T08LL1234K",
]
LEFT_ALONE = [
    "71483344C is a part",
    "X4858147A is a part",
    "191075-301D is a part",
    "build 20240131-4512 of 20261128-0001",
    "134.565.482-07 is a range",
    "52140772K174 is a part",
    "12 345 678 901 rows",
    "2021 2022 2023 were good years",
    "4877-1918-0683 is a part",
    "at 1700000000123 it began",
    "10.20.30.40-50 and 1.2.3.4/24",
    "v1.2.3-190318-2103",
]


@pytest.mark.parametrize("number", FOUND)
@pytest.mark.parametrize("sentence", ["{}", "It says {}, as far as I can see.", "a;{}\nb;c"])
def test_a_number_in_form_is_found_anywhere(number: str, sentence: str) -> None:
    assert {finding.category for finding in look([("prompt", sentence.format(number))])} == {"national_id"}


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_number_of_something_else_is_left_alone(text: str) -> None:
    assert look([("prompt", text)]) == ()
