"""The page of tokens: who may come in through the window, by the digest of a secret that nobody keeps."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from koubou.board.sql import statements
from koubou.model.access import Role, Token
from koubou.model.instant import Instant
from koubou.rules.token import DIGEST, USED_EVERY

_COLUMNS = Token.__struct_fields__
SQL = statements("tokens", TOKEN=", ".join(_COLUMNS))


class Tokens:
    """A token is revoked, never removed: the history goes on naming it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def add(self, token: Token, digest: str) -> None:
        """Take a new one on."""
        self._execute(SQL["add"], asdict(token) | {"digest": digest})

    def of(self, digest: str) -> Token | None:
        """The token with this digest, also one that is revoked or has expired: ask `rules.token.why_useless`."""
        if not DIGEST.fullmatch(digest):
            return None
        row = self._execute(SQL["of_digest"], {"digest": digest}).fetchone()
        # The look-up is by a hash of 256 bits of chance: its time tells nothing of any secret. Nor does this.
        if row is None or not hmac.compare_digest(row["digest"], digest):
            return None
        return _token(row)

    def all(self) -> Sequence[Token]:
        """All of them, those that were revoked last."""
        return [_token(row) for row in self._execute(SQL["all"]).fetchall()]

    def named(self, word: str) -> Token | None:
        """One that is not revoked, by its id or its name."""
        row = self._execute(SQL["named"], {"word": word}).fetchone()
        return None if row is None else _token(row)

    def live(self) -> int:
        """How many are not revoked."""
        return int(self._execute(SQL["live"]).fetchone()[0])

    def is_taken(self, token_id: str, digest: str) -> bool:
        """Whether there is, or was, one with this id or secret."""
        return bool(self._execute(SQL["taken"], {"id": token_id, "digest": digest}).fetchone()[0])

    def revoke(self, token_id: str, now: Instant) -> bool:
        """From now on it opens nothing; False where it did not before."""
        return self._execute(SQL["revoke"], {"id": token_id, "now": now}).rowcount == 1

    def used(self, token_id: str, now: Instant) -> bool:
        """It came in; written down at most once a minute. Whether it was."""
        return self._execute(SQL["used"], {"id": token_id, "now": now, "every": USED_EVERY}).rowcount == 1


def _token(row: Any) -> Token:
    values = {name: row[name] for name in _COLUMNS}
    return Token(**values | {"role": Role(values["role"])})
