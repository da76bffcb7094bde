"""What became of telling the guardian: noted when it has arrived, owed longer when it has not, closed by a person."""

from __future__ import annotations

from typing import Any

from koubou.model.heard import IssueClosed, NoticeFailed, NoticeTold
from koubou.model.instant import Instant
from koubou.rules.notice import wait_after
from koubou.steps.breaker import look_now
from koubou.steps.shop import Shop


def tell(shop: Shop, now: Instant) -> int:
    """Note what became of the attempts to tell the guardian; return how many."""
    for told in shop.of(NoticeTold):
        shop.apart(now, None, _told, shop, told, now)
    for failed in shop.of(NoticeFailed):
        shop.apart(now, None, _failed, shop, failed, now)
    for closed in shop.of(IssueClosed):
        shop.apart(now, None, _closed, shop, closed, now)
    return 0  # nothing follows from it for any task


def _told(shop: Shop, message: NoticeTold, now: Instant) -> None:
    if not shop.board.notices.told(message.incident, message.channel, now, message.how.issue):
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


def _closed(shop: Shop, message: IssueClosed, now: Instant) -> None:
    """Whoever closed it has mended what was wrong, or means to: that is seen at once, and not taken for granted."""
    if shop.board.notices.closed(message.incident, now):
        look_now(shop, message.circuit, now)
        reason = "its issue was closed: what it is about is looked at now"
        shop.say("guardian.closed", incident=message.incident, issue=message.issue, reason=reason)
