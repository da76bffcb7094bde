"""File names, in bytes as the kernel has them: which ask to be taken in, how a claim is called, how to show a name."""

from __future__ import annotations

import os

from koubou.model.ulid import is_ulid

SUFFIXES = (b".yaml", b".yml", b".json")

_CLAIM = b".claim-"
_CLAIM_HEAD = len(_CLAIM) + 26 + 1
_KEPT_BYTES = 200
"""So that `.claim-<ULID>~` before and `~<ULID>.error.json` behind stay within the 255 bytes of a name."""


def is_task_file(name: bytes) -> bool:
    """Whether a name asks to be taken in: .yaml, .yml or .json, and not hidden.

    So `x.yaml.tmp`, `x.yaml.part`, `x.yaml~` and `.x.yaml.swp`, which somebody is still writing, are left alone.
    """
    return not name.startswith(b".") and name.lower().endswith(SUFFIXES)


def kept(name: bytes) -> bytes:
    """A name cut to at most 200 bytes; its suffix stays, because it says how to read the file."""
    if len(name) <= _KEPT_BYTES:
        return name
    stem, suffix = os.path.splitext(name)
    if len(suffix) > _KEPT_BYTES // 2:
        stem, suffix = name, b""
    return _cut_between_characters(stem, _KEPT_BYTES - len(suffix)) + suffix


def claim_file(ulid: str, name: bytes) -> bytes:
    """What the file `name` is called once it is claimed."""
    return _CLAIM + ulid.encode("ascii") + b"~" + kept(name)


def read_claim_file(file: bytes) -> tuple[str, bytes] | None:
    """The ULID and the original name of a claimed file; None for any other name."""
    if not file.startswith(_CLAIM) or len(file) <= _CLAIM_HEAD or file[_CLAIM_HEAD - 1 : _CLAIM_HEAD] != b"~":
        return None
    ulid = file[len(_CLAIM) : _CLAIM_HEAD - 1].decode("ascii", "replace")
    name = file[_CLAIM_HEAD:]
    return (ulid, name) if is_ulid(ulid) and is_task_file(name) else None


def shown(name: bytes) -> str:
    """A name as JSON and the journal show it: valid text on one line, strange bytes and control characters escaped."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def _cut_between_characters(name: bytes, length: int) -> bytes:
    while length > 0 and name[length] & 0xC0 == 0x80:
        length -= 1
    return name[:length]
