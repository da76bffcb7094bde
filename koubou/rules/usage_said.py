"""What a command says that it used: read from its output by the patterns of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from koubou.model.call import Usage
from koubou.rules.secrets.own_words import WINDOW

GROUPS = frozenset(Usage.__struct_fields__)
"""The names that a pattern's groups may have."""
_LONGEST_NUMBER = 15


def usage_said(text: str, patterns: Sequence[re.Pattern[str]]) -> Usage | None:
    """The usage that the text ends with; of each number the last that is said. None where input or output is missing.

    Separators of thousands (`,` or `_`) are passed over; what is no whole number then is not believed.
    """
    counts: dict[str, int] = {}
    for name, value in _found(text, patterns):
        digits = value.replace(",", "").replace("_", "")
        if name in GROUPS and digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NUMBER:
            counts[name] = int(digits)
    if not {"input_tokens", "output_tokens"} <= counts.keys():
        return None
    return Usage(**counts)


def _found(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        for pattern in patterns:
            for match in pattern.finditer(line[:WINDOW]):
                yield from ((name, value) for name, value in match.groupdict().items() if value is not None)
