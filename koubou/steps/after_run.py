"""What follows for a task when a run of it is over: its end, another run, another tier, or a call that judges it."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.model.call import CallError, CallResult, ErrorClass
from koubou.model.decision import FallBack, Reason, Refused, Routed, RunAgain
from koubou.model.heard import WorkerGone
from koubou.model.instant import Instant
from koubou.model.phase import Phase
from koubou.model.run import Run
from koubou.model.status import Park, ParkReason
from koubou.model.task import Task
from koubou.model.tier import Tier
from koubou.rules.asides import difficulty_of, is_bad_work, is_too_much, score_of, to_be_judged, would_help
from koubou.rules.retry import INTERRUPTIONS_BORNE, after_error
from koubou.rules.route import Weather, choose_tier, is_secret, next_up
from koubou.steps.agents import kept_back
from koubou.steps.breaker import key_refused
from koubou.steps.ending import cancel, complete, fail, finish
from koubou.steps.guard import let_out
from koubou.steps.session import is_refusal, may_pass, note_session
from koubou.steps.shop import Shop
from koubou.steps.workspace import works_in_a_folder

_OF_AGENTS = frozenset({ErrorClass.SECRET, ErrorClass.BUDGET, ErrorClass.OPERATIONS})
"""What the gateway kept an agent from, or the limits of its deeds."""

_DOWN = frozenset({ErrorClass.AUTH, ErrorClass.QUOTA, ErrorClass.MODEL})
"""What takes a tier away from everybody until it is mended."""


def after_run(shop: Shop, task: Task, run: Run, result: CallResult, now: Instant) -> None:
    """The current run of a task at work is over."""
    error = result.error
    _note_key(shop, run, result, now)
    if error is not None and task.cancel_asked:
        cancel(shop, task, "cancelled while it was at work", now)
    elif run.purpose is Phase.DIFFICULTY:
        _told_difficulty(shop, task, result, now)
    elif run.purpose is Phase.JUDGE:
        _judged(shop, task, result, now)
    elif error is None:
        _answered(shop, task, run, result, now)
    elif error.kind is ErrorClass.CANCELLED:
        interrupted(shop, task, "stopped by the emergency stop", now)
    elif error.kind is ErrorClass.LOST and not error.code and run.sent_at is not None:
        interrupted(shop, task, error.message, now)  # its worker had to leave, and could still say so
    elif error.kind in _OF_AGENTS:
        kept_back(shop, task, run, error, now)
    else:
        _failed(shop, task, run, error, now)


def lost(shop: Shop, task: Task, run: Run, gone: WorkerGone, now: Instant, *, alone: bool) -> None:
    """Its worker has gone without a record. Who was `alone` when his worker died by itself is to blame for that."""
    sent = run.sent_at is not None
    if task.cancel_asked:
        cancel(shop, task, "cancelled while it was at work", now)
        return
    died = sent and not gone.on_purpose
    interruptions = task.interruptions + (1 if died and alone else 0)
    task = replace(task, interruptions=interruptions, suspect=task.suspect or died)
    if run.purpose is not Phase.ANSWER and sent:
        without_aside(shop, task, gone.reason, now)
    elif interruptions >= INTERRUPTIONS_BORNE and not (task.on_interrupt == "hold" and sent):
        detail = f"at work in {interruptions} workers that died; koubou retry {task.id} tries again"
        again(shop, task, Park(reason=ParkReason.OPERATOR, detail=detail), now)
    elif sent:
        interrupted(shop, task, gone.reason, now)
    else:
        again(shop, task, None, now, gone.reason)


def interrupted(shop: Shop, task: Task, reason: str, now: Instant) -> None:
    """It was at work, and is not to blame."""
    if task.on_interrupt == "hold":
        detail = f"{reason}; on_interrupt is hold: koubou retry {task.id} runs it again"
        again(shop, task, Park(reason=ParkReason.INTERRUPTED, detail=detail), now)
    else:
        again(shop, task, None, now, reason)


def again(shop: Shop, task: Task, park: Park | None, now: Instant, reason: str = "") -> None:
    """Back to the step that chooses its tier, at once or parked."""
    shop.board.tasks.retried(task, now, park)
    told = park.detail if park else reason
    shop.note(task, "task.parked" if park else "task.retried", told, now, run=task.run)


def without_aside(shop: Shop, task: Task, reason: str, now: Instant) -> None:
    """A question about the task or its answer gets none: the task goes on without."""
    if task.phase is Phase.JUDGE:
        settle_for(shop, task, f"not judged: {reason}", now)
        return
    shop.board.tasks.retried(replace(task, phase=Phase.ANSWER), now)
    shop.note(task, "task.classified", f"nobody tells how hard it is, the score counts: {reason}", now)


def settle_for(shop: Shop, task: Task, reason: str, now: Instant) -> bool:
    """The answer that is in hand is enough, for this reason; False where there is none."""
    if task.answer_run is None:
        return False
    finish(shop, task, task.answer_run, task.answer_bytes, now)
    shop.note(task, "task.judged", f"the answer of run {task.answer_run} is taken: {reason}", now)
    return True


def _note_key(shop: Shop, run: Run, result: CallResult, now: Instant) -> None:
    """What the run says of its tier's key, and of the credit behind it."""
    tier, error = shop.tiers.get(run.tier), result.error
    if tier is not None and tier.metered and (error is None or error.kind is not ErrorClass.QUOTA):
        note_session(shop, tier, result, now)
    elif error is not None and error.kind in (ErrorClass.AUTH, ErrorClass.QUOTA) and not error.another_key:
        key_refused(shop, run.tier, error, now)


def _answered(shop: Shop, whose: Task, run: Run, result: CallResult, now: Instant) -> None:
    task = let_out(shop, whose, result, now)
    if task is None:
        return
    in_hand = replace(task, answer_run=run.number, answer_bytes=result.answer_bytes)
    if result.missing:
        lacks = ", ".join(result.missing)
        up = next_up(task, shop.tiers, shop.routing)
        if up is not None and would_help(task, shop.tiers[up], run, result.missing):
            _go_up(shop, in_hand, up, f"the answer is incomplete ({lacks})", now)
            return
        shop.note(task, "task.incomplete", f"the answer lacks: {lacks}", now, run=run.number, tier=run.tier)
    elif to_be_judged(task, shop.routing):
        shop.board.tasks.retried(replace(in_hand, phase=Phase.JUDGE), now)
        shop.note(task, "task.judged", f"the answer of run {run.number} is to be judged", now, run=run.number)
        return
    else:
        _learn(shop, task, run)
    complete(shop, task, result.answer_bytes, now)


def _told_difficulty(shop: Shop, task: Task, result: CallResult, now: Instant) -> None:
    found = difficulty_of(result.said)
    if result.error is not None or found is None:
        without_aside(shop, task, result.error.message if result.error else "the model gave no level", now)
        return
    shop.board.tasks.retried(replace(task, phase=Phase.ANSWER, difficulty=found), now)
    told = f"{found}: {task.tier} says so, the score was unsure"
    shop.board.tasks.judged(task, Reason(rule="difficulty.judge", reason=told))
    shop.note(task, "task.classified", told, now, difficulty=str(found))


def _judged(shop: Shop, task: Task, result: CallResult, now: Instant) -> None:
    score = score_of(result.said)
    if result.error is not None or score is None:
        without_aside(shop, task, result.error.message if result.error else "the judge gave no score", now)
        return
    judged = replace(task, judge_score=score)
    threshold = shop.routing.judge.threshold
    told = f"the judge gives {score:.2f}, {threshold:.2f} is enough"
    answer = shop.board.runs.get(task.seq, task.answer_run or 0)
    if score >= threshold:
        if answer is not None:
            shop.board.experience.answered(task.type, answer.tier)
        settle_for(shop, judged, told, now)
        return
    up = next_up(replace(task, tier=answer.tier if answer else None), shop.tiers, shop.routing)
    if up is None:
        settle_for(shop, judged, f"{told}; no tier above can take it", now)
    else:
        _go_up(shop, judged, up, told, now)


def _learn(shop: Shop, task: Task, run: Run) -> None:
    """A tier has done a task well; one that had done it badly before is known to do worse.

    That work went up is no proof by itself: a task can ask for what nobody can do.
    """
    shop.board.experience.answered(task.type, run.tier)
    if task.upgraded_to is not None:
        before = shop.board.runs.get(task.seq, task.answer_run or run.number - 1)
        if before is not None and before.tier != run.tier:
            shop.board.experience.poor(task.type, before.tier)


def _go_up(shop: Shop, task: Task, up: str, why: str, now: Instant) -> None:
    """Bad work of a tier is done again by the next one up, once."""
    shop.board.tasks.retried(replace(task, phase=Phase.ANSWER, upgraded_to=up, failures=0), now)
    shop.note(task, "task.upgraded", f"{why}: it goes up to {up}", now, run=task.run, tier=up)


def _failed(shop: Shop, task: Task, run: Run, error: CallError, now: Instant) -> None:
    tier = shop.tiers.get(run.tier)
    given_up = (*task.given_up, run.tier)
    if error.kind is ErrorClass.CONTEXT and tier is not None:
        task = replace(task, window_over=max(tier.context_tokens, task.window_over or 0))
    weather = Weather(works=works_in_a_folder(shop, task))
    elsewhere = choose_tier(replace(task, given_up=given_up), shop.tiers, shop.routing, weather)
    of_session = tier is not None and tier.metered and is_refusal(error)
    decision = after_error(
        error,
        failures=task.failures + 1,
        retries=_retries(task, tier),
        retry_delay=tier.retry_delay if tier else 0,
        has_fallback=isinstance(elsewhere, Routed) if of_session else not isinstance(elsewhere, Refused),
        passes=tier is not None and of_session and may_pass(shop, task, run, tier),
        chance=shop.chance(),
    )
    match decision:
        case RunAgain(delay=delay, counts=counts, reason=reason):
            failures = task.failures + (1 if counts else 0)
            up = next_up(task, shop.tiers, shop.routing) if is_too_much(error, failures) else None
            if up is not None:
                _go_up(shop, task, up, f"{run.tier} failed {failures} times: {error.message}", now)
                return
            kind = ParkReason.RATE if error.kind is ErrorClass.RATE else ParkReason.TIER
            park = Park(reason=kind, detail=reason, until=now + delay) if delay else None
            if is_bad_work(error):
                shop.board.experience.retried(task.type, run.tier)
            shop.board.tasks.retried(replace(task, failures=failures), now, park)
            shop.note(task, "task.retried", reason, now, run=run.number, tier=run.tier, error_class=str(error.kind))
        case FallBack(reason=reason):
            shop.board.tasks.retried(replace(task, failures=0, given_up=given_up, suspect=False), now)
            told = f"{run.tier} is given up: {reason}"
            shop.note(task, "task.retried", told, now, run=run.number, tier=run.tier, error_class=str(error.kind))
        case Refused() if tier is not None and tier.unfit is not None and (of_session or _is_not_to_blame(task, error)):
            told = f"{run.tier} is down: {error.message}; the task waits for it"
            shop.board.tasks.retried(task, now)
            shop.note(task, "task.retried", told, now, run=run.number, tier=run.tier, error_class=str(error.kind))
        case Refused():
            if is_bad_work(error):
                shop.board.experience.poor(task.type, run.tier)
            if not settle_for(shop, task, decision.reason, now):
                fail(shop, task, decision, now, code=error.code)


def _is_not_to_blame(task: Task, error: CallError) -> bool:
    """No connection says nothing of a task; what is confidential has nowhere else to go either."""
    return error.kind is ErrorClass.UNREACHABLE or (error.kind in _DOWN and is_secret(task))


def _retries(task: Task, tier: Tier | None) -> int:
    return task.retries if task.retries is not None else (tier.retries if tier else 0)
