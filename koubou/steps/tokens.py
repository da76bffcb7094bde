"""Tokens of the window: made, listed, revoked; and what the window tells of those who came with one, or without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.errors import IllegalMove, UsageMistake
from koubou.model.access import Caller, Role, Token
from koubou.model.heard import Asked
from koubou.model.instant import Instant, iso, iso_or_none
from koubou.rules.alarms import NOBODY
from koubou.rules.token import DIGEST, ID, LONGEST_LIFE, MOST, NAME, actor_of, why_useless
from koubou.steps.alarms import turned_away
from koubou.steps.shop import Shop

_HIGHEST_UID = 2**32 - 2
_LONGEST_SOURCE = 100
_MOST_TIMES = 1_000_000


def add(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """Take a new token on. Whoever made it sends its digest; the secret stays with him."""
    token, digest = _new(asked, now), str(asked.arguments.get("digest"))
    if not DIGEST.fullmatch(digest):
        raise UsageMistake("a token is given by its id and the SHA-256 of all of it")
    if shop.board.tokens.named(token.name) is not None:
        raise IllegalMove(f"there is a token {token.name}: koubou token rm {token.name}, or choose another name")
    if shop.board.tokens.is_taken(token.id, digest):
        raise IllegalMove("there is such a token already: make another")
    if shop.board.tokens.live() >= MOST:
        raise IllegalMove(f"there are {MOST:,} tokens: remove some first")
    shop.board.tokens.add(token, digest)
    until = "for good" if token.expires_at is None else f"until {iso(token.expires_at)}"
    told = f"{token.name} ({token.id}), {token.role} for uid {token.uid}, {until}"
    shop.board.history.add(None, "token.added", told, now, asked.caller)
    shop.say("token.added", "warning", token=token.id, role=str(token.role), uid=token.uid, actor=asked.caller.actor)
    return {"token": shape_of(token, now)}


def listed(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """All of them, never a secret nor its digest."""
    del asked
    return {"tokens": [shape_of(token, now) for token in shop.board.tokens.all()]}


def revoke(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """From now on it opens nothing."""
    word = asked.arguments.get("token")
    token = shop.board.tokens.named(word) if isinstance(word, str) else None
    if token is None:
        raise IllegalMove("there is no such token: koubou token list")
    shop.board.tokens.revoke(token.id, now)
    shop.board.history.add(None, "token.revoked", f"{token.name} ({token.id})", now, asked.caller)
    shop.say("token.revoked", "warning", token=token.id, actor=asked.caller.actor)
    return {"token": token.id, "name": token.name}


def used(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """The window let it in; written down once a minute at most, and no line of the history."""
    word = asked.arguments.get("token")
    return {"noted": isinstance(word, str) and ID.fullmatch(word) is not None and shop.board.tokens.used(word, now)}


def refused(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """The window did not let somebody in, or not do something: `from` where he came, with which `token` if it is known.

    `verb` is what he wanted, or `me` where it is not even known who he is; `times` how often, if not once.
    """
    verb, source, word = (asked.arguments.get(name) for name in ("verb", "from", "token"))
    times = asked.arguments.get("times", 1)
    if type(times) is not int or not 0 < times <= _MOST_TIMES:
        raise UsageMistake("refused takes how many times somebody was refused")
    if not isinstance(source, str) or not source.isprintable() or not 0 < len(source) <= _LONGEST_SOURCE:
        raise UsageMistake("refused takes from where somebody came, in printable letters")
    token = shop.board.tokens.named(word) if isinstance(word, str) and ID.fullmatch(word) else None
    actor, uid = (NOBODY, -1) if token is None else (actor_of(token), token.uid)
    caller = Caller(actor=actor, role=Role.VIEWER, uid=uid, source=source)
    turned_away(shop, caller, verb if isinstance(verb, str) else "me", now, times)
    return {}


def shape_of(token: Token, now: Instant) -> dict[str, Any]:
    """A token as `koubou token list --json` gives it."""
    return {
        "id": token.id,
        "name": token.name,
        "role": str(token.role),
        "uid": token.uid,
        "created_at": iso(token.created_at),
        "created_by": token.created_by,
        "expires_at": iso_or_none(token.expires_at),
        "last_used_at": iso_or_none(token.last_used_at),
        "revoked_at": iso_or_none(token.revoked_at),
        "useless": why_useless(token, now),
    }


def _new(asked: Asked, now: Instant) -> Token:
    match asked.arguments:
        case {"name": str(name), "role": str(role), "id": str(token_id)} if (
            NAME.fullmatch(name) and role in tuple(Role) and ID.fullmatch(token_id)
        ):
            pass
        case _:
            raise UsageMistake("a token needs a name of a-z, 0-9, . _ and -, and a role")
    uid, expires_at = asked.arguments.get("uid", asked.caller.uid), asked.arguments.get("expires_at")
    if type(uid) is not int or not 0 <= uid <= _HIGHEST_UID:
        raise UsageMistake("a token acts for a user of this machine")
    if expires_at is not None and (type(expires_at) is not int or not now < expires_at <= now + LONGEST_LIFE):
        raise UsageMistake("a token expires after now, and within ten years")
    return Token(
        id=token_id,
        name=name,
        role=Role(role),
        uid=uid,
        created_at=now,
        created_by=asked.caller.actor,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
