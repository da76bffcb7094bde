"""What the guardrails saw, in what came in and in what is about to go out; each with its rule, in the history."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from koubou.model.call import CallResult
from koubou.model.decision import Finding, Refused
from koubou.model.instant import Instant
from koubou.model.policy import Flag, Policy, Verdict
from koubou.model.task import Sensitivity, Task
from koubou.rules.guardrails import NOTE, is_secret, told
from koubou.steps.ending import fail
from koubou.steps.shop import Shop

_TOLD_AT_MOST = 5


def note_guardrails(shop: Shop, task: Task, findings: Sequence[Finding], now: Instant) -> None:
    """Tell what was seen in a new task and is no secret."""
    seen = {(finding.rule, finding.where): finding for finding in findings if finding.level == NOTE}
    for finding in list(seen.values())[:_TOLD_AT_MOST]:
        reason = f"{finding.where} {told(finding)}"
        shop.note(task, "guardrail.noted", reason, now, rule=finding.rule, where=finding.where)
    if len(seen) > _TOLD_AT_MOST:
        shop.note(task, "guardrail.noted", f"and {len(seen) - _TOLD_AT_MOST} more", now)


def let_out(shop: Shop, task: Task, result: CallResult, now: Instant) -> Task | None:
    """Tell what is flagged in an answer; None where the settings refuse it, and the task has failed.

    Call it before anything else is decided about the answer: whoever reads it next must know how secret it is.
    """
    if not result.findings:
        return task
    was_secret = task.sensitivity is Sensitivity.CONFIDENTIAL
    task = flagged(shop, task, result.findings, now)
    refused = answer_refused(shop.policy, result.findings, was_secret=was_secret)
    if refused is not None:
        fail(shop, task, refused, now)
        return None
    return task


def flagged(shop: Shop, task: Task, flags: Sequence[Flag], now: Instant) -> Task:
    """Raise how secret a task is by what its answer holds, and tell of it; return the task as it is then."""
    for seen in flags[:_TOLD_AT_MOST]:
        reason = f"the answer has {seen.category} in line {seen.line} ({seen.rule})"
        shop.note(task, "guardrail.flagged", reason, now, rule=seen.rule, line=seen.line)
    if len(flags) > _TOLD_AT_MOST:
        shop.note(task, "guardrail.flagged", f"and {len(flags) - _TOLD_AT_MOST} more", now)
    if not any(map(is_secret, flags)) or task.sensitivity is Sensitivity.CONFIDENTIAL:
        return task
    shop.board.tasks.set_sensitivity(task, Sensitivity.CONFIDENTIAL, now)
    why = "confidential: its answer has what looks secret"
    shop.note(task, "task.classified", why, now, sensitivity=str(Sensitivity.CONFIDENTIAL))
    return replace(task, sensitivity=Sensitivity.CONFIDENTIAL)


def answer_refused(policy: Policy, flags: Sequence[Flag], *, was_secret: bool) -> Refused | None:
    """Why an answer must not be filed, by the settings; None where it may. Secrets are at home in secret tasks."""
    for seen in flags:
        key = "on_secret_in_answer" if is_secret(seen) else "on_banned_word"
        if getattr(policy, key) is Verdict.REFUSE and not (was_secret and is_secret(seen)):
            return Refused(
                kind="policy",
                reason=f"the answer has {seen.category} in line {seen.line} ({seen.rule})",
                remedy=f"ask otherwise, or let security.guardrails.{key} note it: koubou retry ID tries again",
                retryable=True,
            )
    return None
