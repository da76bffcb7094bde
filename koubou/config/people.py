"""Who is meant by the people of the settings: names become the numbers that the kernel speaks of."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator, Mapping
from typing import TypeVar

from koubou.config.security_settings import EVERYBODY_ELSE, BoundSettings, SecuritySettings
from koubou.documents.checking import nearest
from koubou.documents.problems import Path
from koubou.model.access import Access, Role
from koubou.model.task import UNBOUND, Bounds, TaskBudget
from koubou.people import gid_named, uid_named

_HIGHEST = 2**32 - 2
_GROUP = "@"
Said = TypeVar("Said")


def access_of(security: SecuritySettings) -> Access:
    """What these settings say of people. Who is gone since they were checked has no part in it."""
    roles = {word: role for role in Role for word in getattr(security.roles, role)}
    bounds = {word: _bounds(asked) for word, asked in security.bounds.items()}
    return Access(
        user_roles=_of_users(roles),
        group_roles=_of_groups(roles),
        user_bounds=_of_users(bounds),
        group_bounds=_of_groups(bounds),
        other_bounds=bounds.get(EVERYBODY_ELSE, UNBOUND),
        house=frozenset({0, os.geteuid()}),
    )


def people_found(security: SecuritySettings, tiers: Mapping[str, object]) -> Iterator[tuple[Path, str, str | None]]:
    """What is wrong with the people of the settings: unknown ones, and who is named twice."""
    named: list[tuple[Path, str]] = [
        (("security", "roles", str(role), place), word)
        for role in Role
        for place, word in enumerate(getattr(security.roles, role))
    ]
    yield from _unknown(named)
    yield from _twice(named)
    bound: list[tuple[Path, str]] = [
        (("security", "bounds", word), word) for word in security.bounds if word != EVERYBODY_ELSE
    ]
    yield from _unknown(bound)
    yield from _twice(bound)
    for word, asked in security.bounds.items():
        for place, tier in enumerate(asked.tiers or ()):
            if tier not in tiers:
                path: Path = ("security", "bounds", word, "tiers", place)
                yield path, f"must be one of the tiers {', '.join(tiers)}", nearest(tier, tiers)


def _unknown(named: list[tuple[Path, str]]) -> Iterator[tuple[Path, str, str | None]]:
    for path, word in named:
        if _number_of(word) is None:
            known = [f"@{each.gr_name}" for each in grp.getgrall()] + [each.pw_name for each in pwd.getpwall()]
            what = "group" if word.startswith(_GROUP) else "user"
            yield path, f"must be a {what} of this machine, or its number", nearest(word, known)


def _twice(named: list[tuple[Path, str]]) -> Iterator[tuple[Path, str, str | None]]:
    seen: set[tuple[bool, int | None]] = set()
    for path, word in named:
        key = (word.startswith(_GROUP), _number_of(word))
        if key[1] is not None and key in seen:
            yield path, "names somebody who has been named before, perhaps by another name", None
        seen.add(key)


def _number_of(word: str) -> int | None:
    """The uid of a user, or the gid of a @group; None for nobody."""
    name = word.removeprefix(_GROUP)
    if name.isascii() and name.isdecimal():
        return int(name) if int(name) <= _HIGHEST else None
    return gid_named(name) if word.startswith(_GROUP) else uid_named(name)


def _of_users(said: Mapping[str, Said]) -> dict[int, Said]:
    pairs = ((_number_of(word), each) for word, each in said.items() if word[0] not in (_GROUP, EVERYBODY_ELSE))
    return {uid: each for uid, each in pairs if uid is not None}


def _of_groups(said: Mapping[str, Said]) -> dict[int, Said]:
    pairs = ((_number_of(word), each) for word, each in said.items() if word.startswith(_GROUP))
    return {gid: each for gid, each in pairs if gid is not None}


def _bounds(asked: BoundSettings) -> Bounds:
    budget = asked.budget
    return Bounds(
        tiers=asked.tiers,
        executors=asked.executors,
        priority=asked.priority,
        budget=TaskBudget(
            cost=budget.cost_usd,
            tokens=budget.tokens,
            calls=budget.calls,
            time=budget.time,
            file_edits=budget.file_edits,
            commands=budget.commands,
        ),
    )
