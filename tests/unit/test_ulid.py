"""Names that sort by time."""

from __future__ import annotations

import pytest

from koubou.model.ulid import following, is_ulid, ulid


def test_a_ulid_is_written_as_its_specification_shows() -> None:
    assert ulid(1469918176385, bytes(10)) == "01ARYZ6S41" + "0" * 16
    assert ulid((1 << 48) - 1, b"\xff" * 10) == "7" + "Z" * 25


def test_the_last_letter_is_the_last_bit_of_chance() -> None:
    assert ulid(0, bytes(9) + b"\x21") == "0" * 24 + "11"


def test_ulids_of_one_millisecond_are_counted_up() -> None:
    first = ulid(5, b"\x00" * 9 + b"\x1f")
    assert following(first, 5, b"\x00" * 10) == first[:-2] + "10"


def test_a_clock_that_was_set_back_does_not_disturb_the_order() -> None:
    first = ulid(1_000_000, b"\x80" * 10)
    assert following(first, 3, b"\xff" * 10) > first


def test_a_later_millisecond_takes_fresh_chance() -> None:
    first = ulid(5, b"\xff" * 10)
    assert following(first, 6, bytes(10)) == ulid(6, bytes(10))


@pytest.mark.parametrize("entropy", [b"", bytes(9), bytes(11)])
def test_a_ulid_needs_ten_bytes_of_chance(entropy: bytes) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        ulid(0, entropy)


@pytest.mark.parametrize("at", [-1, 1 << 48])
def test_times_that_do_not_fit_are_refused(at: int) -> None:
    with pytest.raises(ValueError, match="cannot name this time"):
        ulid(at, bytes(10))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("01ARYZ6S410000000000000000", True),
        ("81ARYZ6S410000000000000000", False),
        ("01ARYZ6S41", False),
        ("U" * 26, False),
    ],
)
def test_a_ulid_is_recognised(text: str, verdict: bool) -> None:
    assert is_ulid(text) is verdict
