"""The filters that say which tasks are meant: of list, cancel, finish and retry."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser
from koubou.model.instant import SECOND, Instant
from koubou.model.status import ParkReason, Status
from koubou.model.task import TYPES
from koubou.views.ages import age, time_of

if TYPE_CHECKING:
    from koubou.board.reading import Filter


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


def seconds(text: str) -> float:
    """Seconds of a length of time, for options such as --timeout. Raises argparse's own error."""
    found = age(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time such as 90s, 30m or 2h")
    return found / SECOND


def _several(group: argparse._ArgumentGroup, option: str, known: Sequence[str] | None, line: str) -> None:
    def words(text: str) -> list[str]:
        found = [word for word in text.split(",") if word]
        for word in found:
            if known is not None and word not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is not one of {', '.join(known)}")
        return found

    metavar = option.removeprefix("--").upper()
    group.add_argument(option, action="extend", type=words, default=[], metavar=metavar, help=line)
