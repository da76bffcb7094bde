"""The filters that say which tasks are meant: of list, cancel, finish and retry."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser
from koubou.errors import UsageMistake
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Instant, Milliseconds
from koubou.model.status import ParkReason, Status
from koubou.model.task import TYPES

if TYPE_CHECKING:
    from koubou.board.reading import Filter

_AGES = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


def declare_filters(parser: Parser) -> None:
    """The options; each may be repeated where several values make sense."""
    group = parser.add_argument_group("filters")
    statuses, parks = [str(status) for status in Status], [str(reason) for reason in ParkReason]
    _several(group, "--status", statuses, f"one of {', '.join(statuses)}; may be repeated, or a,b")
    _several(group, "--park", parks, f"parked for this reason: {', '.join(parks)}")
    _several(group, "--tier", None, "by tier")
    _several(group, "--type", list(TYPES), "by type, such as bug_fix")
    group.add_argument("--session", metavar="NAME", help="of this session")
    group.add_argument(
        "--since", metavar="AGE", help="dropped within this time (30m, 2h, 7d), or since an ISO 8601 time"
    )
    group.add_argument("--older", metavar="AGE", help="dropped longer ago than this, or before an ISO 8601 time")


def filter_of(arguments: argparse.Namespace, now: Instant) -> Filter:
    """The filter that the options say. Raises UsageMistake."""
    from koubou.board.reading import Filter

    return Filter(
        status=arguments.status,
        park=arguments.park,
        tier=arguments.tier,
        type=arguments.type,
        session=arguments.session,
        since=time_of("--since", arguments.since, now),
        older=time_of("--older", arguments.older, now),
    )


def age(text: str) -> Milliseconds | None:
    """Milliseconds of 90s, 30m, 2h, 7d, 1w, or of a bare number of seconds; None for what is no such length."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _AGES else (text, "s")
    try:
        amount = float(number)
    except ValueError:
        return None
    return round(amount * _AGES[unit]) if 0 <= amount < float("inf") else None


def seconds(text: str) -> float:
    """Seconds of a length of time, for options such as --timeout. Raises argparse's own error."""
    found = age(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time such as 90s, 30m or 2h")
    return found / SECOND


def time_of(option: str, text: str | None, now: Instant) -> Instant | None:
    """The time that an option says, as an age or as a time of its own. Raises UsageMistake."""
    if text is None:
        return None
    length = age(text)
    if length is not None:
        return now - length
    from datetime import datetime

    from koubou.model.instant import instant

    try:
        return instant(datetime.fromisoformat(text).astimezone())
    except (ValueError, OverflowError):
        raise UsageMistake(f"{option} takes an age such as 30m, 2h or 7d, or a time such as 2026-11-21T09:00") from None


def _several(group: argparse._ArgumentGroup, option: str, known: Sequence[str] | None, line: str) -> None:
    def words(text: str) -> list[str]:
        found = [word for word in text.split(",") if word]
        for word in found:
            if known is not None and word not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is not one of {', '.join(known)}")
        return found

    metavar = option.removeprefix("--").upper()
    group.add_argument(option, action="extend", type=words, default=[], metavar=metavar, help=line)
