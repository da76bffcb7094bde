"""Which tasks are meant, as conditions of a statement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou.board.sql import statements
from koubou.model.instant import Instant

SQL = statements("filter")


class Filter(Struct, frozen=True, kw_only=True):
    """Which tasks are meant; what is empty or None does not narrow. Times are of arrival, `before` is a `seq`."""

    status: Sequence[str] = ()
    tier: Sequence[str] = ()
    type: Sequence[str] = ()
    park: Sequence[str] = ()
    session: str | None = None
    since: Instant | None = None
    older: Instant | None = None
    owner: int | None = None
    before: int | None = None

    @property
    def narrows(self) -> bool:
        """Whether it leaves any task out."""
        return bool(self._given())

    def _given(self) -> Mapping[str, Any]:
        values = {name: getattr(self, name) for name in Filter.__struct_fields__}
        return {name: value for name, value in values.items() if value not in ((), [], None)}

    def statement(self, wanted: str, *more: str) -> tuple[str, dict[str, Any]]:
        """A statement with our conditions and more of them in it, and the values of ours."""
        conditions, values = self.conditions(*more)
        return wanted.replace("{conditions}", conditions), values

    def conditions(self, *more: str) -> tuple[str, dict[str, Any]]:
        """The conditions of a statement about tasks, and their values."""
        given = self._given()
        conditions = " AND ".join((*more, *(SQL[f"if_{key}"] for key in given))) or SQL["if_any"]
        values = {
            key: json.dumps(list(found)) if isinstance(found, tuple | list) else found for key, found in given.items()
        }
        return conditions, values
