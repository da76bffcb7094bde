"""Names that sort by time: 48 bits of milliseconds and 80 of chance in 26 letters (the ULID specification)."""

from __future__ import annotations

import re
from base64 import b32encode

from koubou.model.instant import Instant

ENTROPY_BYTES = 10
"""How many random bytes a ULID takes."""

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SHAPE = re.compile(rf"[0-7][{LETTERS}]{{25}}")

_FROM_RFC_4648 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", LETTERS.encode())
_TO_NUMBER = {letter: number for number, letter in enumerate(LETTERS)}
_CHANCE_BITS = 80
_END_OF_TIME = 1 << 48


def ulid(at: Instant, entropy: bytes) -> str:
    """The ULID of an instant with ten random bytes. Raises ValueError for other lengths and times before 1970."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a ULID takes {ENTROPY_BYTES} random bytes, not {len(entropy)}")
    if not 0 <= at < _END_OF_TIME:
        raise ValueError("a ULID cannot name this time")
    return _written(at << _CHANCE_BITS | int.from_bytes(entropy, "big"))


def following(previous: str, at: Instant, entropy: bytes) -> str:
    """A ULID that sorts after `previous`, also within one millisecond or when the clock was set back."""
    fresh = ulid(at, entropy)
    return fresh if fresh[:10] > previous[:10] else _written(_read(previous) + 1)


def is_ulid(text: str) -> bool:
    """Whether `text` is written as a ULID."""
    return SHAPE.fullmatch(text) is not None


def _written(number: int) -> str:
    # 20 bytes are 32 letters of 5 bits; the last 26 of them hold the 128 bits with two zero bits before.
    return b32encode(number.to_bytes(20, "big"))[6:].translate(_FROM_RFC_4648).decode("ascii")


def _read(text: str) -> int:
    number = 0
    for letter in text:
        number = number << 5 | _TO_NUMBER[letter]
    return number
