"""When the guardian is tried again: never given up, never in a flood."""

from __future__ import annotations

from koubou.model.instant import HOUR, MINUTE, SECOND, Milliseconds
from koubou.model.notice import NotTold, Trouble, Views

ANSWERED_WITHIN: Milliseconds = 12 * SECOND
"""An attempt of which nobody knows the end is settled after this, so that a look shows whether it arrived.

GitHub ends a request that it has worked on for ten seconds (its REST API guide, "Timeouts").
"""

_FIRST = 4 * SECOND
_BETWEEN_LOOKS = MINUTE
_LONGEST = 15 * MINUTE
_LONGEST_ASKED = HOUR


def wait_after(failed: NotTold, tries: int, chance: float) -> Milliseconds:
    """How long to wait after the try of this number (from 1); `chance` lies in [0, 1).

    What the other end asks for is honoured up to an hour; settings that are wrong are mended by a person, who reloads.
    Else the wait doubles up to a quarter of an hour, with full jitter above its floor.
    """
    if failed.wait is not None:
        return max(SECOND, min(failed.wait, _LONGEST_ASKED))
    if failed.trouble in (Trouble.SETTINGS, Trouble.BUG):
        return _LONGEST
    floor = ANSWERED_WITHIN if failed.trouble is Trouble.SERVER else SECOND
    ceiling = min(_FIRST * (1 << min(tries - 1, 20)), _LONGEST)
    return max(floor, round(ceiling * chance))


def wait_before_look(views: Views, failures: int) -> Milliseconds:
    """How long to wait after a look at issues, the last of so many in a row that failed.

    A minute, or as long as the other end asks for; where it fails, longer each time, up to a quarter of an hour.
    """
    if views.trouble is not None:
        return max(_BETWEEN_LOOKS, wait_after(views.trouble, failures, chance=0.5))
    return max(_BETWEEN_LOOKS, min(views.wait or 0, _LONGEST_ASKED))
