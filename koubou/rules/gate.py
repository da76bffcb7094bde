"""What an agent is told of a call that finds no money: to wait for what is only held, or to stop, with the numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from koubou.model.account import AccountKey, Bearer, Dimension
from koubou.model.decision import Breach, Refused
from koubou.model.gate import Denial, Denied, Wanted
from koubou.model.instant import SECOND, Milliseconds, iso
from koubou.rules.admit import show_amount

HELD_WAIT: Milliseconds = SECOND // 2
"""After this an agent's call looks again whether what is held by others has come back."""

FIRST_REQUEST: Mapping[str, int] = {"claude": 110_000, "codex": 40_000}
"""Bytes that an agent's first request has beside its task, at most: its own instructions and tools.

Measured: Claude Code 2.1 sends 88 kB, Codex 0.169 30 kB. A guess for admission only; what is held counts what is sent.
"""


def first_request(executor: str) -> int:
    """By how many bytes the first request of an agent is longer than its task."""
    return FIRST_REQUEST.get(executor, max(FIRST_REQUEST.values()) if executor == "hybrid" else 0)


def denied_for_money(wanted: Wanted, decision: Breach | Refused, bearers: Collection[Bearer]) -> Denied:
    """The refusal of a call; with a `wait` where no account is spent, and only what others hold stands in its way."""
    if isinstance(decision, Refused):
        return Denied(
            ticket=wanted.ticket,
            why=Denial.BUDGET,
            message=decision.reason,
            facts={"limit_source": "settings", "remedy_hint": decision.remedy},
        )
    tightest = next((bearer for bearer in bearers if bearer.account.key == decision.account), None)
    return Denied(
        ticket=wanted.ticket,
        why=Denial.BUDGET,
        message=decision.park.detail,
        wait=HELD_WAIT if comes_back(decision, tightest) else None,
        facts=_facts(decision, tightest),
    )


def comes_back(breach: Breach, bearer: Bearer | None) -> bool:
    """Whether what is held now, once given back, would bear it: then it is worth a wait."""
    return bearer is not None and bearer.account.held > 0 and bearer.account.settled + breach.need <= breach.bearable


def _facts(breach: Breach, bearer: Bearer | None) -> dict[str, str]:
    """The numbers, in the unit of the account: US dollars as people read them."""
    key = AccountKey(*breach.account)
    shown = {"scope": key.name, "limit": show_amount(breach.bearable, key.dimension)}
    if bearer is not None:
        shown["spent"] = show_amount(bearer.account.settled, key.dimension)
        shown["held"] = show_amount(bearer.account.held, key.dimension)
    if breach.park.until is not None:
        shown["resets_at"] = iso(breach.park.until)
    source = "cost" if key.dimension == Dimension.USD else key.dimension
    return {"limit_source": source, **shown, "remedy_hint": breach.park.detail}
