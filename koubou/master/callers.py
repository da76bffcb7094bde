"""Who asks through the control socket: by what the kernel says, and for whom the window says that it speaks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from koubou.errors import NotAllowed, UsageMistake
from koubou.model.access import Access, Caller, Role
from koubou.people import groups_of, name_of
from koubou.rules.access import role_of

SOURCE = "socket"
FOR = "for"
"""The key under which the window says for whom it asks."""
_LONGEST = 100
_HIGHEST_UID = 2**32 - 2
_KEYS = frozenset({"actor", "uid", "role", "source"})


def caller_of(uid: int, access: Access) -> Caller:
    """Whoever has this uid, with the role that he has at this moment."""
    house = uid in (0, os.geteuid())
    groups = groups_of(uid) if access.group_roles and not house else frozenset[int]()
    return Caller(
        actor=name_of(uid), role=role_of(uid, groups, access, house=house), uid=uid, source=SOURCE, house=house
    )


def speaking_for(caller: Caller, asked: Any) -> Caller:
    """For whom somebody says that he speaks. Raises NotAllowed but for the house, UsageMistake for what is nobody."""
    if not caller.house:
        raise NotAllowed("only the workshop's own user may speak for others")
    match asked:
        case {"actor": str(actor), "uid": int(uid), "role": str(role), "source": str(source)} if asked.keys() == _KEYS:
            pass
        case _:
            raise UsageMistake("for takes an actor, a uid, a role and a source")
    if isinstance(uid, bool) or not 0 <= uid <= _HIGHEST_UID or role not in tuple(Role):
        raise UsageMistake("for takes a uid of this machine, and a role")
    if not _is_word(actor) or not _is_word(source):
        raise UsageMistake(f"for takes an actor and a source of printable letters, {_LONGEST} at most")
    return Caller(actor=actor, role=Role(role), uid=uid, source=source)


def _is_word(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST and text.isprintable()


def speaker(caller: Caller, asked: Mapping[str, Any]) -> tuple[Caller, Mapping[str, Any]]:
    """Who asks in the end, and what without the word on it."""
    if FOR not in asked:
        return caller, asked
    rest = {key: value for key, value in asked.items() if key != FOR}
    return speaking_for(caller, asked[FOR]), rest
