"""Whose work is the best, where no test tells: a model of the first member is asked, in a call that is held for."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Iterator, Sequence

from koubou.backends.part import Part
from koubou.backends.port import Door, Doors
from koubou.rules.comparing import MOST, chosen, comparison, text_of, verdict_body

_FILES = 2_000
_LARGEST = 200_000
_PATIENCE = 180.0
"""Seconds for the verdict."""


async def best_of(parts: Sequence[Part], task: str, before: str, doors: Doors) -> int | None:
    """Which of them, counted from 0; None where the model does not say, or cannot be asked.

    `before` is the folder that all have begun with, `doors` the gateway of the first one's tier.
    """
    changes = await asyncio.to_thread(lambda: [_changes(before, os.path.join(part.folder, "work")) for part in parts])
    question = comparison(task, [(part.text, patch) for part, patch in zip(parts, changes, strict=True)])
    async with doors.door(parts[0]) as door:
        return chosen(await _asked(parts[0], question, door), len(parts))


async def _asked(part: Part, question: str, door: Door) -> str:
    import aiohttp

    path, body = verdict_body(part.tier, question)
    headers = {"Authorization": f"Bearer {door.token}"}
    limit = aiohttp.ClientTimeout(total=_PATIENCE)
    try:
        async with aiohttp.ClientSession(timeout=limit, trust_env=False) as session:
            address = f"http://127.0.0.1:{door.port}{path}"
            async with session.post(address, json=body, headers=headers, allow_redirects=False) as answer:
                said = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return ""
    return text_of(said) if isinstance(said, dict) else ""


def _changes(before: str, after: str) -> str:
    """What differs between two folders, as a patch to be read; cut where it is longer than is shown."""
    old, new = dict(_files(before)), dict(_files(after))
    found: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        was, now = _text(old.get(name)), _text(new.get(name))
        if was != now:
            lines = difflib.unified_diff(was.splitlines(), now.splitlines(), f"a/{name}", f"b/{name}", lineterm="")
            found.extend(lines)
        if sum(map(len, found)) > MOST:
            break
    return "\n".join(found)


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Regular files below it, by their way from there; no links are followed."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each != ".git")
        for name in sorted(names):
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, folder), path
                count += 1
                if count >= _FILES:
                    return


def _text(path: str | None) -> str:
    if path is None:
        return ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with open(descriptor, "rb") as file:
        data = file.read(_LARGEST)
    return "(binary)" if b"\0" in data else data.decode("utf-8", "replace")
