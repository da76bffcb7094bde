"""What like tasks have taught: a level up where a tier did a type poorly, a level down where people praised it."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from koubou.model.decision import Reason
from koubou.model.experience import Experience
from koubou.model.task import Difficulty

ENOUGH = 8
"""So many tasks of a type in a tier before anything is concluded from them."""
TOO_MANY = 0.3
"""A tier does a type poorly where more than this share of its tasks came to nothing, beyond reasonable doubt."""
RETRIES = 3
"""So many runs that had to be made again weigh like one task that came to nothing."""
PRAISED = 10
"""So many good ratings, and no bad one since, before work of the next level is tried in a tier."""
LOOK_AGAIN = 16
"""Each so manieth task goes by its score all the same, to see whether the tier has become better."""
_DOUBT = 1.645
"""Of the normal distribution, 5 % lies beyond it: the one-sided Wilson bound at 95 %."""


def learned(
    by_score: Difficulty,
    task_type: str,
    routing: Mapping[Difficulty, str],
    known: Mapping[str, Experience],
    seq: int,
) -> tuple[Difficulty, Reason | None]:
    """What the score gives, or one level beside it with the reason; `seq` is the task's place in arrival."""
    if not known:
        return by_score, None
    tier, above, below = routing[by_score], _beside(by_score, 1), _beside(by_score, -1)
    kind = task_type.replace("_", " ")
    if _poorly(known.get(tier)):
        if above is None or routing[above] == tier or _poorly(known.get(routing[above])) or seq % LOOK_AGAIN == 0:
            return by_score, None
        return above, _reason("up", by_score, _told(known[tier], tier, kind))
    if below is not None and routing[below] != tier and _praised(known.get(routing[below])):
        praised = known[routing[below]].praised
        return below, _reason(
            "down", by_score, f"people called the last {praised} answers of {routing[below]} to {kind} tasks good"
        )
    return by_score, None


def vain_at_least(experience: Experience) -> float:
    """The share of tasks that come to nothing: the lower Wilson bound (Wilson 1927), 0 while there are not enough."""
    vain, cases = _counts(experience)
    if cases < ENOUGH:
        return 0.0
    share, doubt = vain / cases, _DOUBT * _DOUBT
    spread = _DOUBT * sqrt(share * (1 - share) / cases + doubt / (4 * cases * cases))
    return max(0.0, (share + doubt / (2 * cases) - spread) / (1 + doubt / cases))


def _poorly(experience: Experience | None) -> bool:
    return experience is not None and vain_at_least(experience) > TOO_MANY


def _praised(experience: Experience | None) -> bool:
    return experience is not None and experience.praised >= PRAISED and not _poorly(experience)


def _counts(experience: Experience) -> tuple[int, int]:
    """(those that came to nothing, all): failed and sent up, called bad by people, and some of those tried again."""
    cases = experience.answered + experience.poor
    return min(cases, experience.poor + experience.bad + experience.retried // RETRIES), cases


def _told(experience: Experience, tier: str, kind: str) -> str:
    vain, cases = _counts(experience)
    surely = f"surely more than {vain_at_least(experience):.0%}, the limit is {TOO_MANY:.0%}"
    return f"{vain} of {cases} {kind} tasks came to nothing in {tier}, {surely}"


def _reason(way: str, by_score: Difficulty, why: str) -> Reason:
    return Reason(rule="difficulty.experience", reason=f"{way} from {by_score}: {why}")


def _beside(difficulty: Difficulty, step: int) -> Difficulty | None:
    """The level above or below; None beyond the ends."""
    levels = tuple(Difficulty)
    place = levels.index(difficulty) + step
    return levels[place] if 0 <= place < len(levels) else None
