from __future__ import annotations

from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest
from builders import NOW

from koubou.errors import UsageMistake
from koubou.model.instant import DAY, HOUR, iso
from koubou.views.span import Span, span_of

TOKYO = ZoneInfo("Asia/Tokyo")


def span(*, month: str | None = None, since: str | None = None, until: str | None = None) -> Span:
    return span_of(NOW, TOKYO, month=month, since=since, until=until)


def test_a_report_is_about_this_month_where_nothing_is_said() -> None:
    found = span()
    assert (iso(found.since), iso(found.until)) == ("2026-12-31T15:00:00.000Z", "2027-01-31T15:00:00.000Z")
    assert (found.first, found.last) == (date(2027, 1, 1), date(2027, 1, 31))
    assert found.told == "2027-01-01 to 2027-01-31 (Asia/Tokyo)"


def test_a_month_and_days_are_those_of_the_time_zone() -> None:
    assert iso(span(month="2026-11").since) == "2026-10-31T15:00:00.000Z"
    day = span(since="2027-01-02", until="2027-01-02")
    assert day.until - day.since == DAY
    assert (day.first, day.last, day.told) == (date(2027, 1, 2), date(2027, 1, 2), "2027-01-02 (Asia/Tokyo)")


def test_times_and_ages_are_taken_as_they_are() -> None:
    assert span(since="2h").since == NOW - 2 * HOUR
    assert iso(span(since="2027-01-02T03:00", until="2027-01-02T04:00Z").since) == "2027-01-01T18:00:00.000Z"
    assert iso(span(since="2027-01-02T03:00", until="2027-01-02T04:00Z").until) == "2027-01-02T04:00:00.000Z"
    assert span(until="1d").since == 0


@pytest.mark.parametrize(
    "words",
    [
        {"month": "2026-13"},
        {"month": "2026-11", "since": "1d"},
        {"since": "yesterday"},
        {"since": "2027-01-03", "until": "2027-01-02"},
        {"until": "9999-12-31"},
    ],
)
def test_what_is_no_time_is_refused(words: dict[str, str]) -> None:
    with pytest.raises(UsageMistake):
        span(**words)


def test_the_zone_counts_and_not_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert span_of(NOW, UTC, month="2027-01", since=None, until=None).zone == "UTC"
