"""The one clock of the workshop, and the names that are made from it."""

from __future__ import annotations

import os
import time

from koubou.model.instant import Instant
from koubou.model.ulid import ENTROPY_BYTES, following, ulid


def clock() -> Instant:
    """The time of day."""
    return time.time_ns() // 1_000_000


class Ids:
    """ULIDs that sort as they were made."""

    def __init__(self) -> None:
        self._last = ulid(0, bytes(ENTROPY_BYTES))

    def __call__(self) -> str:
        """The next one."""
        self._last = following(self._last, clock(), os.urandom(ENTROPY_BYTES))
        return self._last
