"""The SQL of each page, in files: every statement has a name and a sentence."""

from __future__ import annotations

import re
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def statements(page: str, **lists: str) -> Mapping[str, str]:
    """The statements of `<page>.sql` by name; `$NAME` in them stands for a list of columns."""
    text = resources.files(__package__).joinpath(f"{page}.sql").read_text(encoding="utf-8")
    for name, columns in lists.items():
        text = text.replace(f"${name}", columns)
    pieces = _HEADING.split(text)[1:]
    return MappingProxyType(dict(zip(pieces[::2], map(str.strip, pieces[1::2]), strict=True)))
