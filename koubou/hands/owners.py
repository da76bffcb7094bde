"""Who dropped a file: his name and groups, looked up once a second at most, for a machine may ask a server for them."""

from __future__ import annotations

import time

from koubou.people import groups_of, name_of

_KEPT_FOR = 1.0
_MOST = 1_000

Known = tuple[str, tuple[int, ...]]


class Owners:
    """Used by one thread."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, Known]] = {}

    def known(self, uid: int) -> Known:
        """(name, groups) of a user."""
        present = time.monotonic()
        at, known = self._known.get(uid, (0.0, ("", ())))
        if present - at > _KEPT_FOR or not known[0]:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = (name_of(uid), tuple(sorted(groups_of(uid))))
            self._known[uid] = (present, known)
        return known
