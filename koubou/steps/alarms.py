"""What is told of people: who was refused what, who had the settings read, who spends far more than he usually does."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.model.access import Caller
from koubou.model.heard import SettingsRead, SpendDue, TurnedAway
from koubou.model.instant import DAY, MINUTE, Instant
from koubou.model.money import USD, show_usd
from koubou.rules.access import words_of
from koubou.rules.alarms import (
    MOST_CALLERS,
    REFUSED_ACCESS,
    THE_OTHERS,
    UNUSUAL_SPEND,
    WITHIN,
    Refusals,
    after_refusal,
    is_spend_to_be_told,
    is_to_be_told,
    is_unusual,
    who_was_refused,
)
from koubou.steps.shop import Shop


def alarms(shop: Shop, now: Instant) -> int:
    """Hear what people did that no other step decides on; return how many words of it."""
    words = list(shop.of(TurnedAway))
    for away in words:
        shop.apart(now, None, turned_away, shop, away.caller, away.verb, now)
    reads = list(shop.of(SettingsRead))
    for read in reads:
        shop.apart(now, None, _settings_read, shop, read, now)
    for _ in shop.of(SpendDue):
        shop.apart(now, None, _look_at_spending, shop, now)
    return len(words) + len(reads)


def turned_away(shop: Shop, caller: Caller, verb: str, now: Instant, times: int = 1) -> None:
    """Count it. The first of ten minutes has a line of its own; the tenth is an alarm: lines are never a flood."""
    who, kept = _counted(shop, caller, now)
    refusals = after_refusal(kept, now, times)
    if refusals.count == times:
        more = f"; {kept.count - 1} more before" if kept is not None and kept.count > 1 else ""
        shop.board.history.add(None, "access.refused", f"may not {words_of(verb)}{more}", now, caller)
        shop.say("access.refused", "warning", verb=verb, actor=caller.actor, source=caller.source)
    if is_to_be_told(refusals, now):
        reason = f"{who} was refused {refusals.count} times within {WITHIN // MINUTE} minutes"
        shop.board.history.add(None, "access.alarm", reason, now, caller)
        shop.say("access.alarm", "error", actor=caller.actor, source=caller.source, reason=reason)
        shop.alert(REFUSED_ACCESS, f"access:{who}", now, reason=reason, refused=refusals.count)
        refusals = replace(refusals, told_at=now)
    shop.board.alarms.note_refusals(who, refusals)


def _counted(shop: Shop, caller: Caller, now: Instant) -> tuple[str, Refusals | None]:
    """Under which name he is counted, and how often so far; where there are too many, he is one of the others."""
    who = who_was_refused(caller)
    known = shop.board.alarms.refusals(who)
    if known is None and shop.board.alarms.refused_callers() >= MOST_CALLERS:
        shop.board.alarms.forget_refusals(now - DAY)
        if shop.board.alarms.refused_callers() >= MOST_CALLERS:
            who = THE_OTHERS
            known = shop.board.alarms.refusals(who)
    return who, known


def _settings_read(shop: Shop, read: SettingsRead, now: Instant) -> None:
    told = "taken" if not read.problems else f"not taken: {read.problems} problems"
    shop.board.history.add(None, "settings.read", told, now, read.caller)


def _look_at_spending(shop: Shop, now: Instant) -> None:
    if shop.budget.monthly is None:
        return  # whoever sets no limit has not asked to be told of money
    shop.board.alarms.sum_up(now)
    for submitter, today, told_at in shop.board.alarms.spenders(USD, now):
        days = shop.board.alarms.days_of(submitter, now)
        if is_spend_to_be_told(told_at, now) and is_unusual(today, days):
            reason = f"uid {submitter} has spent {show_usd(today)} today, more than five times his usual day"
            shop.board.alarms.told(submitter, now)
            shop.board.history.add(None, "spend.alarm", reason, now)
            shop.say("spend.alarm", "error", submitter=submitter, nusd=today, reason=reason)
            shop.alert(UNUSUAL_SPEND, f"spend:uid {submitter}", now, reason=reason, today_nusd=today)
