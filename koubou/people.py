"""The people of this machine, as its own tables know them: their names and groups."""

from __future__ import annotations

import grp
import os
import pwd


def name_of(uid: int) -> str:
    """What a user is called; his number where he has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def groups_of(uid: int) -> frozenset[int]:
    """The groups that a user belongs to now; none for a uid without a name.

    By the tables and not by the process that asks: who was taken out of a group is out of it at once.
    """
    try:
        user = pwd.getpwuid(uid)
        return frozenset(os.getgrouplist(user.pw_name, user.pw_gid))
    except (KeyError, OSError):
        return frozenset()


def uid_named(name: str) -> int | None:
    """The uid of a user; None where there is none."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def gid_named(name: str) -> int | None:
    """The gid of a group; None where there is none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
