"""What became of telling the guardian: noted when it has arrived, owed for longer when it has not."""

from __future__ import annotations

from typing import Any

from koubou.model.heard import NoticeFailed, NoticeTold
from koubou.model.instant import Instant
from koubou.rules.notice import wait_after
from koubou.steps.shop import Shop


def tell(shop: Shop, now: Instant) -> int:
    """Note what became of the attempts to tell the guardian; return how many."""
    for told in shop.of(NoticeTold):
        shop.apart(now, None, _told, shop, told, now)
    for failed in shop.of(NoticeFailed):
        shop.apart(now, None, _failed, shop, failed, now)
    return 0  # nothing follows from it for any task


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
