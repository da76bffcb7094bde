"""Calls beside the answer: when a model is asked how hard a task is or how good its answer, and what bad work is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from koubou.model.call import CallError, ErrorClass
from koubou.model.phase import Lesser, Phase
from koubou.model.routing import Routing
from koubou.model.run import Run
from koubou.model.task import Difficulty, Task
from koubou.model.tier import Reach, Tier
from koubou.rules.asking import (
    DIFFICULTY_BYTES,
    DIFFICULTY_MESSAGES,
    DIFFICULTY_TOKENS,
    JUDGE_TOKENS,
    JUDGING_BYTES,
    JUDGING_MESSAGES,
    SIMPLIFY_BYTES,
    SIMPLIFY_MESSAGES,
    unsure,
)

CAP = "cap"
"""What an answer lacks that was cut at its cap."""

_BAD_WORK = frozenset({ErrorClass.SERVER, ErrorClass.PROXY, ErrorClass.CUT, ErrorClass.TIMEOUT})
"""Failures at the work itself. A server that is not there, a key, a limit say nothing of what the model can do."""

_MODELS = frozenset({"chat", "messages", "rehearsal"})
_TWICE = 2


def asked_of(task: Task) -> tuple[int, int]:
    """Bytes (as UTF-8 JSON) and messages of what is sent in a task's present phase, at most."""
    size, count = task.input_bytes + task.inputs_bytes, task.message_count
    match task.phase:
        case Phase.DIFFICULTY:
            return DIFFICULTY_BYTES, DIFFICULTY_MESSAGES
        case Phase.JUDGE:
            return size + task.answer_bytes + JUDGING_BYTES, count + JUDGING_MESSAGES
    if task.lesser is Lesser.SIMPLIFY:
        return size + SIMPLIFY_BYTES, count + SIMPLIFY_MESSAGES
    return size, count


def asked_cap(task: Task, tier: Tier) -> int | None:
    """The output tokens that a task's present phase asks for at most; None = what the tier allows."""
    match task.phase:
        case Phase.DIFFICULTY:
            return max(DIFFICULTY_TOKENS, tier.min_output_tokens)
        case Phase.JUDGE:
            return max(JUDGE_TOKENS, tier.min_output_tokens)
    return task.max_output_tokens


def first_phase(task: Task, score: int, routing: Routing) -> Phase:
    """Whether a model is asked first how hard a task is: where nobody has said so, and a point would change it."""
    open_question = task.asked_difficulty is None and task.asked_tier is None
    return Phase.DIFFICULTY if routing.difficulty_judge and open_question and unsure(score) else Phase.ANSWER


def is_bad_work(error: CallError) -> bool:
    """Whether a failure says something of what the tier can do."""
    return error.kind in _BAD_WORK


def is_too_much(error: CallError, failures: int) -> bool:
    """Whether a tier has failed a task so often that the next tier up should have it."""
    return is_bad_work(error) and failures >= _TWICE


def would_help(task: Task, up: Tier, run: Run, missing: Sequence[str]) -> bool:
    """Whether a tier up may give what an answer lacks: one that was cut at its cap needs a longer one."""
    room = min(task.max_output_tokens or up.max_output_tokens, up.max_output_tokens)
    return tuple(missing) != (CAP,) or room > run.cap


def to_be_judged(task: Task, routing: Routing) -> bool:
    """Whether a second call should look at a complete answer; the work of a tier up is taken as it is."""
    if task.upgraded_to is not None:
        return False
    judge = routing.judge
    return task.lesser is Lesser.VERIFY or (judge.tier is not None and (not judge.types or task.type in judge.types))


def tier_of_aside(task: Task, routing: Routing) -> str | None:
    """Who is asked: the tier of the settings; without one, an answer is checked by whoever gave it."""
    return routing.difficulty_judge if task.phase is Phase.DIFFICULTY else routing.judge.tier or task.tier


def may_be_asked(task: Task, tier: Tier, run_of: Callable[[int, int], Run | None]) -> bool:
    """Whether a tier may be asked what a task's present phase asks; `run_of` gives a run by task and number.

    A judge in the cloud may read only an answer that was examined, and that a model gave: a program may have read what
    nobody has looked at, and put it into its answer. Asked anew at every door, since the settings may have changed.
    """
    if task.phase is not Phase.JUDGE or tier.reach is Reach.LOCAL:
        return True
    answered = run_of(task.seq, task.answer_run or 0)
    return answered is not None and answered.examined and answered.executor in _MODELS


def is_to_be_examined(task: Task, tiers: Mapping[str, Tier], routing: Routing) -> bool:
    """Whether the answer of a task is to be looked at closely, for a judge in the cloud may read it."""
    judge = tiers.get(tier_of_aside(task, routing) or "")
    return (
        task.phase is Phase.ANSWER and to_be_judged(task, routing) and judge is not None and judge.reach is Reach.CLOUD
    )


def difficulty_of(said: str | None) -> Difficulty | None:
    """The level that a model gave, or None."""
    return Difficulty(said) if said in tuple(Difficulty) else None


def score_of(said: str | None) -> float | None:
    """The score from 0 to 1 that a model gave, or None."""
    try:
        score = float(said or "")
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None
