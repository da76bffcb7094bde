"""Whatever the settings, the weather and the task: route names no tier that the task may not have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from koubou.model.agent import Manner
from koubou.model.decision import Refused, Routed
from koubou.model.phase import Lesser
from koubou.model.routing import Routing
from koubou.model.status import Park
from koubou.model.task import UNBOUND, Bounds, Difficulty, Sensitivity, Task
from koubou.model.tier import Reach, Tier
from koubou.rules.route import LONGEST_TOKEN, Weather, choose_tier, next_up
from tests.builders import NOW, a_price, a_task, a_tier

NAMES = ("a", "b", "c", "d", "local")
NAME = some.sampled_from(NAMES)
SOMETIMES = some.one_of(some.none(), NAME)

MEMBER = some.builds(a_tier, NAME, executor=some.sampled_from(["chat", "codex"]))
TIERS = some.lists(
    some.builds(
        a_tier,
        NAME,
        reach=some.sampled_from(Reach),
        executor=some.sampled_from(["chat", "command:x", "codex", "claude", "hybrid"]),
        agent=some.sampled_from([None, Manner(), Manner(sandbox=False)]),
        context_tokens=some.sampled_from([100, 8_192, 128_000]),
        unfit=some.sampled_from([None, None, "its key is missing"]),
        fallback=SOMETIMES,
        price=some.sampled_from([None, a_price(1, 1), a_price(1, 50)]),
        members=some.lists(MEMBER, max_size=2).map(tuple),
    ),
    max_size=5,
    unique_by=lambda tier: tier.name,
).map(lambda tiers: {tier.name: tier for tier in tiers})

ROUTINGS = some.builds(
    Routing,
    tiers=some.fixed_dictionaries(dict.fromkeys(Difficulty, NAME)),
    on_lesser=some.dictionaries(some.just("general"), some.sampled_from(Lesser)),
    backends=some.dictionaries(some.just("general"), some.sampled_from(["codex", "claude", "command:x"])),
    hybrid=some.sampled_from([(), ("general",)]),
)

WEATHER = some.builds(
    Weather,
    scarce=some.sampled_from([None, "the month is 90 % used"]),
    closed_until=some.dictionaries(NAME, some.just(NOW + 90_000), max_size=3),
    works=some.booleans(),
)

TASKS = some.builds(
    a_task,
    sensitivity=some.sampled_from([*Sensitivity, None]),
    difficulty=some.sampled_from([*Difficulty, None]),
    asked_tier=SOMETIMES,
    executor=some.sampled_from([None, None, "chat", "command:x", "codex", "hybrid"]),
    priority=some.sampled_from([5, 9]),
    given_up=some.lists(NAME, max_size=3).map(tuple),
    upgraded_to=SOMETIMES,
    tier=SOMETIMES,
    window_over=some.sampled_from([None, None, 100, 8_192]),
    input_bytes=some.sampled_from([10, 100 * LONGEST_TOKEN + 16, 9_000 * LONGEST_TOKEN]),
    requires_high_capability=some.booleans(),
    bounds=some.one_of(
        some.just(UNBOUND),
        some.builds(
            Bounds,
            tiers=some.one_of(some.none(), some.lists(NAME, max_size=3).map(tuple)),
            executors=some.sampled_from([None, (), ("chat",), ("chat", "codex")]),
        ),
    ),
)


def may_have(task: Task, tier: Tier) -> bool:
    """The same once more, in other words than the rule's."""
    kept_in = tier.reach is Reach.LOCAL and (tier.agent is None or tier.agent.sandbox)
    stays = kept_in or task.sensitivity in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)
    works = tier.unfit is None and tier.executor == (task.executor or tier.executor)
    fits = tier.context_tokens > (task.window_over or 0) and tier.context_tokens * LONGEST_TOKEN > task.input_bytes - 16
    working, bounds = [tier, *tier.members], task.bounds
    allowed = all(bounds.tiers is None or each.name in bounds.tiers for each in working)
    allowed &= all(bounds.executors is None or each.executor in bounds.executors for each in working)
    return stays and works and fits and allowed and tier.name not in task.given_up


@given(TASKS, TIERS, ROUTINGS, WEATHER)
def test_no_task_is_given_to_a_tier_that_it_may_not_have(
    task: Task, tiers: dict[str, Tier], routing: Routing, weather: Weather
) -> None:
    match choose_tier(task, tiers, routing, weather):
        case Routed() as routed:
            assert may_have(task, tiers[routed.tier])
            assert routed.tier not in weather.closed_until
            assert routed.reasons
        case Park() as park:
            assert park.detail
            assert park.until is None or park.until in weather.closed_until.values()
        case Refused() as refused:
            assert task.given_up, "who was tried nowhere waits"
            assert refused.reason


@given(TASKS, TIERS, ROUTINGS)
def test_bad_work_goes_up_only_to_a_tier_that_the_task_may_have(
    task: Task, tiers: dict[str, Tier], routing: Routing
) -> None:
    up = next_up(task, tiers, routing)
    if up is not None:
        assert may_have(task, tiers[up])
        assert task.asked_tier is None, "who asked for a tier gets that one"
        assert task.upgraded_to is None, "once is enough"
        assert up != task.tier


@given(TASKS, TIERS, ROUTINGS, WEATHER)
def test_a_task_whose_own_tier_is_well_is_not_given_to_another(
    task: Task, tiers: dict[str, Tier], routing: Routing, weather: Weather
) -> None:
    own = task.upgraded_to or task.asked_tier
    if own in tiers and may_have(task, tiers[own]) and own not in weather.closed_until and not weather.scarce:
        decision = choose_tier(task, tiers, routing, weather)
        assert isinstance(decision, Routed)
        assert decision.tier == own
