"""Durations, sizes, money and times as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from koubou.documents.units import count, duration, size, usd, when

MINUTE = 60_000


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("200ms", 200),
        ("30s", 30_000),
        ("5m", 5 * MINUTE),
        ("2h", 120 * MINUTE),
        ("1d", 1440 * MINUTE),
        ("1.5h", 90 * MINUTE),
        (" 5 M ", 5 * MINUTE),
        ("30", 30_000),
        (30, 30_000),
        (0.25, 250),
        (0, 0),
    ],
)
def test_a_duration_is_read_in_milliseconds(written: object, milliseconds: int) -> None:
    assert duration(written) == milliseconds


@pytest.mark.parametrize("written", ["", "5 minutes", "m", "-5m", -1, True, None, [], "1e9d", 1e300, "5m30s", "９m"])
def test_what_is_no_duration_is_refused_with_what_would_be_right(written: object) -> None:
    with pytest.raises(ValueError, match="200ms, 30s, 5m"):
        duration(written)


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [
        ("512kB", 512_000),
        ("10MB", 10_000_000),
        ("2GiB", 2 * 2**30),
        ("1 kib", 1024),
        ("7b", 7),
        (7, 7),
        ("1.5MB", 1_500_000),
    ],
)
def test_a_size_is_read_in_bytes(written: object, bytes_: int) -> None:
    assert size(written) == bytes_


@pytest.mark.parametrize("written", ["2000000", "2,000,000", "2_000_000"])
def test_a_count_may_be_written_as_people_write_it(written: str) -> None:
    assert count(written) == 2_000_000


@pytest.mark.parametrize("written", ["", ",", "-1", "1.5", "1e3", "٣", "1" * 16])
def test_what_is_no_count_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        count(written)


@pytest.mark.parametrize("written", ["10M", "MB", -1, False, None, "99999999GB", {}])
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="10MB"):
        size(written)


@pytest.mark.parametrize(
    ("written", "nano"),
    [
        ("0.50", 500_000_000),
        (0.5, 500_000_000),
        (0.1, 100_000_000),
        (1, 1_000_000_000),
        ("1.25", 1_250_000_000),
        (1e-7, 100),
        (1e-12, 1),
        (0, 0),
    ],
)
def test_money_is_exact_in_nano_dollars_and_rounded_up_below(written: object, nano: int) -> None:
    assert usd(written) == nano


@pytest.mark.parametrize(
    "written", ["plenty", "", "-1", -0.5, True, None, float("nan"), float("inf"), 10**30, "1e9", "$5"]
)
def test_what_is_no_money_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"0\.50"):
        usd(written)


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01T09:00:00+09:00",
        "2026-12-01T00:00:00Z",
        "2026-12-01 00:00:00.000+00:00",
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2026, 12, 1, 9, tzinfo=timezone(timedelta(hours=9))),
    ],
)
def test_a_time_with_its_zone_is_an_instant(written: object) -> None:
    assert when(written) == 1_796_083_200_000


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (datetime(2026, 12, 1), "time zone"),  # noqa: DTZ001 - a naive one is the point
        ("2026-12-01T09:00:00", "time zone"),
        (date(2026, 12, 1), "time of day"),
        ("2026-13-01T09:00:00Z", "must be a time"),
        ("tomorrow", "must be a time"),
        (5, "must be a time"),
        (None, "must be a time"),
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(written: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        when(written)
