"""Bearer tokens: how one is written, by what it is known again, and whether it is good now."""

from __future__ import annotations

import hashlib
import re

from koubou.model.access import Token
from koubou.model.instant import DAY, MINUTE, Instant

SECRET_BYTES = 32
ID_BYTES = 5
USED_EVERY = MINUTE
"""A use is written down at most once in this time."""
LONGEST_LIFE = 3_660 * DAY
MOST = 1_000
"""Tokens that are not revoked."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
"""Plain letters only: no name looks like another, and none like a user's with a blank or a colon."""
ID = re.compile(r"[0-9a-f]{10}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TOKEN = re.compile(r"kbu_[0-9a-f]{10}_[0-9a-f]{64}", re.ASCII)


def written(token_id: bytes, secret: bytes) -> str:
    """The token as its owner gets it, once."""
    return f"kbu_{token_id.hex()}_{secret.hex()}"


def digest_of(text: str) -> str | None:
    """By what the board knows a token; None for what cannot be one. Its 256 bits of chance need no slow hash."""
    if not _TOKEN.fullmatch(text):
        return None
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def id_of(text: str) -> str | None:
    """The part of a token that is no secret; None for what cannot be one."""
    return text[4:14] if _TOKEN.fullmatch(text) else None


def why_useless(token: Token, now: Instant) -> str | None:
    """Why a token opens nothing now; None for one that is good."""
    if token.revoked_at is not None:
        return "it was revoked"
    if token.expires_at is not None and token.expires_at <= now:
        return "it has expired"
    return None


def actor_of(token: Token) -> str:
    """As who it stands in the history. No user of a machine has a colon in his name."""
    return f"token:{token.name}"
