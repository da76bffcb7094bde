"""Files that are not taken in: each goes to `rejected/` with a reason that a person and a program can read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from koubou.folders.bounded import read_small
from koubou.folders.claim import Claim
from koubou.folders.durable import rename_new, sync_folder, write_synced
from koubou.folders.layout import Layout
from koubou.folders.names import shown

REASON = b".error.json"
_READABLE = 0o644
_LARGEST_REASON = 100_000


def reject(layout: Layout, claim: Claim, error: Mapping[str, Any]) -> str:
    """Write `rejected/<name>.error.json`, then move the file beside it; returns where it lies now.

    `error` is as `TaskFileError.as_json` gives it. A name that is taken gets `~<ULID>`. Doing it again does
    nothing. Raises OSError where the file cannot be moved: it stays under its claim's name, and the reason is written.
    """
    rejected = os.fsencode(layout.rejected)
    claimed = os.path.join(os.fsencode(layout.tasks), claim.file)
    plain = os.path.join(rejected, claim.name)
    marked = plain + b"~" + claim.ulid.encode("ascii")
    if not os.path.lexists(claimed):
        return os.fsdecode(marked if os.path.lexists(marked) else plain)
    text = _as_text({"file": shown(claim.name), "error": dict(error), "claim": claim.ulid})
    draft = os.path.join(rejected, b"." + claim.ulid.encode("ascii") + b".tmp")
    write_synced(draft, text, _READABLE)
    target = plain if _reserved(plain, draft, claim) else marked
    os.rename(draft, target + REASON)
    if target is plain and os.path.lexists(draft):
        os.unlink(draft)  # two names of one file: renaming one over the other leaves both
    sync_folder(rejected)
    rename_new(claimed, target)
    sync_folder(rejected)
    sync_folder(layout.tasks)
    return os.fsdecode(target)


def discard(layout: Layout, claim: Claim) -> None:
    """Remove a claimed file: what stood in it is on the board. Doing it again does nothing. Raises OSError."""
    try:
        os.unlink(os.path.join(os.fsencode(layout.tasks), claim.file))
    except FileNotFoundError:
        return


def refused_since(layout: Layout, since: float) -> int:
    """How many files were refused since a time in seconds. Raises OSError where we may not look."""
    with os.scandir(os.fsencode(layout.rejected)) as entries:
        return sum(entry.name.endswith(REASON) and _is_since(entry, since) for entry in entries)


def _is_since(entry: os.DirEntry[bytes], since: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime >= since
    except FileNotFoundError:
        return False  # a person has just taken it away


def _as_text(reason: Mapping[str, Any]) -> bytes:
    """For people to read; a lone surrogate cannot be written as UTF-8, and then all of it is said in ASCII."""
    try:
        text = json.dumps(reason, indent=2, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(reason, indent=2).encode("ascii")
    return text + b"\n"


def _reserved(plain: bytes, draft: bytes, claim: Claim) -> bool:
    """Whether the plain name is ours: nothing lies there, and no other claim's reason does.

    The reason is the reservation: linking fails where one is, so that two files of one name cannot both pass.
    """
    if plain.endswith(REASON) or os.path.lexists(plain):
        return False  # a task file that is named like a reason must never take the place of one
    try:
        os.link(draft, plain + REASON)
    except FileExistsError:
        return _claim_of(plain + REASON) == claim.ulid
    except OSError:
        return False  # no hard links here
    return True


def _claim_of(reason: bytes) -> str | None:
    """Which claim wrote a reason; None for what is no reason of ours."""
    data = read_small(reason, _LARGEST_REASON)
    try:
        written = json.loads(data or b"null")
    except (ValueError, RecursionError):
        return None
    claim = written.get("claim") if isinstance(written, dict) else None
    return claim if isinstance(claim, str) else None
