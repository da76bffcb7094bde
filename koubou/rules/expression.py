"""Regular expressions that are compiled when they are first used: processes know hundreds, and most texts need few."""

from __future__ import annotations

import re
from functools import cached_property


class Expression:
    """What `re.compile` takes, for later; `compiled` is it."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self.flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression, compiled by whoever asks first."""
        return re.compile(self.pattern, self.flags)
