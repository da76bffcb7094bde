"""Files that the workshop's own user drops for somebody else: the window does, and says in the name for whom.

A file's owner is who made it, as the kernel says. Only of a file that root or the workshop's own user made the name is
believed: whoever can make such a file can do anything here already.
"""

from __future__ import annotations

import re

from msgspec import Struct

_NAME = re.compile(
    rb"[0-9A-HJKMNP-TV-Z]{26}~for~(?P<uid>[0-9]{1,10})~(?P<actor>[A-Za-z0-9:._-]{1,70})~(?P<address>[0-9a-fx.:-]{1,45})"
    rb"\.(?:json|yaml)"
)
_HIGHEST_UID = 2**32 - 2
_ODD = re.compile(r"[^A-Za-z0-9:._-]")
_ODD_IN_ADDRESS = re.compile(r"[^0-9a-f.:]")
_NO_ADDRESS = "x"


class Giver(Struct, frozen=True, kw_only=True):
    """For whom a file was dropped, and from where he asked."""

    uid: int
    actor: str
    source: str


def name_for(ulid: str, uid: int, actor: str, address: str, suffix: str) -> str:
    """The name of a file that is dropped for somebody."""
    plain = _ODD.sub("-", actor)[:70]
    return f"{ulid}~for~{uid}~{plain}~{_ODD_IN_ADDRESS.sub('-', address)[:45] or _NO_ADDRESS}{suffix}"


def giver_of(name: bytes, owner: int, *, house: frozenset[int]) -> Giver | None:
    """For whom a file was dropped; None where its owner dropped it for himself."""
    found = _NAME.fullmatch(name)
    if found is None or owner not in house or (uid := int(found["uid"])) > _HIGHEST_UID:
        return None
    return Giver(uid=uid, actor=found["actor"].decode(), source=f"api {found['address'].decode()}")
