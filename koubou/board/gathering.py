"""Accounts as many calls of agents find them one after another, so that each account is read and written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from koubou.model.account import Account, AccountKey


class _Held(Struct):
    """What calls were promised on one account: in all, and up to where the last of them might fill it."""

    amount: int = 0
    bearable: int | None = None


class _Ended(Struct):
    """What calls that have ended gave back and used."""

    hold: int = 0
    amount: int = 0
    unreconciled: int = 0


class Gathering:
    """The statements `hold` and `unhold` in memory; the board is told the sums, and asks of them what it asks of one.

    Amounts are never negative: where the last of many holds fits, so did those before it.
    """

    def __init__(self) -> None:
        self.accounts: dict[AccountKey, Account] = {}
        self._held: dict[AccountKey, _Held] = {}
        self._ended: dict[AccountKey, _Ended] = {}

    def missing(self, keys: Iterable[AccountKey]) -> list[AccountKey]:
        """Those that were not read yet."""
        return [key for key in keys if key not in self.accounts]

    def hold(self, key: AccountKey, amount: int, bearable: int | None) -> bool:
        """Promise something on an account; False where it cannot bear it."""
        account = self.accounts[key]
        used = account.settled + account.held + amount
        if account.ceiling is not None:
            most = account.ceiling if bearable is None else min(account.ceiling, bearable)
            if account.over or used > most:
                return False
        overdrawn = account.overdrawn or (account.limit is not None and used > account.limit)
        self.accounts[key] = replace(account, held=account.held + amount, overdrawn=overdrawn)
        held = self._held.setdefault(key, _Held())
        held.amount += amount
        held.bearable = bearable
        return True

    def end(self, key: AccountKey, hold: int, amount: int, unreconciled: int) -> None:
        """What a call used in the end, in place of what was promised; nothing where there is no such account."""
        account = self.accounts.get(key)
        if account is None:
            return
        self.accounts[key] = replace(
            account,
            held=account.held - hold,
            settled=account.settled + amount,
            unreconciled=account.unreconciled + unreconciled,
        )
        ended = self._ended.setdefault(key, _Ended())
        ended.hold += hold
        ended.amount += amount
        ended.unreconciled += unreconciled

    def holds(self) -> Sequence[Mapping[str, object]]:
        """The values of the statement `hold`, one an account."""
        return [
            {"name": name, "dimension": dimension, "amount": held.amount, "bearable": held.bearable}
            for (name, dimension), held in self._held.items()
        ]

    def ends(self) -> Sequence[Mapping[str, object]]:
        """The values of the statement `unhold`, one an account."""
        return [
            {
                "name": name,
                "dimension": dimension,
                "hold": ended.hold,
                "amount": ended.amount,
                "unreconciled": ended.unreconciled,
            }
            for (name, dimension), ended in self._ended.items()
        ]
