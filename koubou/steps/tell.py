"""What the guardian must know: owed with the latch that it is about, noted when it has arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from koubou.model.budget import Budget
from koubou.model.deed import TellGuardian
from koubou.model.heard import NoticeFailed, NoticeTold
from koubou.model.instant import DAY, Instant
from koubou.ports import Board
from koubou.rules.notice import wait_after
from koubou.rules.windows import month

if TYPE_CHECKING:
    from koubou.steps.shop import Shop

_LONGEST_MONTH = 32 * DAY
_MOST_LINES = 20


def tell(shop: Shop, now: Instant) -> int:
    """Note what became of the attempts to tell the guardian; return how many."""
    for told in shop.of(NoticeTold):
        shop.apart(now, None, _told, shop, told, now)
    for failed in shop.of(NoticeFailed):
        shop.apart(now, None, _failed, shop, failed, now)
    return 0  # nothing follows from it for any task


def owe(shop: Shop, kind: str, key: str, now: Instant, facts: Mapping[str, Any]) -> None:
    """Owe a notice about `key` by each way that the settings have; without any, say so where somebody may look."""
    if not shop.audience.channels:
        who = f"{shop.audience.name} should know" if shop.audience.name else "somebody should know"
        reason = f"{who}, and there is no way: set guardian.github.repo or guardian.webhook"
        shop.say("guardian.unreachable", "error", kind=kind, key=key, reason=reason)
        return
    known = dict(facts)
    # A fault in the numbers must undo neither the latch nor the notice.
    shop.apart(now, None, lambda: known.update(_standing(shop.board, shop.budget, now)))
    for channel in shop.audience.channels:
        shop.board.notices.owe(key, channel, shop.new_id(), kind, {"key": key, **known}, now)
    shop.deeds.append(TellGuardian())


def _standing(board: Board, budget: Budget, now: Instant) -> dict[str, Any]:
    """The month and the workshop as they stand, in numbers."""
    name, reopens = month(now, budget.timezone)
    standing = dict(board.notices.standing(name, reopens - _LONGEST_MONTH, _MOST_LINES))
    account = board.ledger.account(name)
    if account is not None:
        amounts = {what: getattr(account, what) for what in ("limit", "settled", "held", "unreconciled")}
        percent = round(100 * account.settled / account.limit, 1) if account.limit else None
        standing["month"] = {
            "name": name,
            **{f"{what}_nusd": each for what, each in amounts.items()},
            "percent": percent,
        }
    return standing


def _told(shop: Shop, message: NoticeTold, now: Instant) -> None:
    if not shop.board.notices.told(message.incident, message.channel, now):
        return
    how = message.how
    fields: dict[str, Any] = {
        "incident": message.incident,
        "channel": str(message.channel),
        "issue": how.issue,
        "tries": message.tries,
    }
    if how.without:
        reason = f"told, but GitHub did not take the {' and the '.join(how.without)}: check guardian.github"
        shop.say("guardian.told", "warning", **fields, reason=reason)
    else:
        shop.say("guardian.told", **fields, reason="an earlier attempt had arrived" if how.found else "told")


def _failed(shop: Shop, message: NoticeFailed, now: Instant) -> None:
    why = message.why
    until = now + wait_after(why, message.tries, shop.chance())
    if shop.board.notices.failed(message.incident, message.channel, why.trouble, until):
        shop.say(
            "guardian.unreachable",
            "error",
            incident=message.incident,
            channel=str(message.channel),
            trouble=str(why.trouble),
            reason=why.reason,
            remedy=why.remedy or "it is tried again by itself",
            tries=message.tries,
            until=until,
        )
