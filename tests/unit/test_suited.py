"""Which agent a task is for, and who may not have what is confidential."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.model.agent import Manner
from koubou.model.decision import Routed
from koubou.model.status import Park, ParkReason
from koubou.model.task import Difficulty, Sensitivity, Task
from koubou.model.tier import Reach, Tier
from koubou.rules.route import Weather, choose_tier
from koubou.rules.suited import may_need_a_folder, why_open
from tests.builders import ROUTING, a_task, a_tier, tiers

WITH_AGENTS = replace(ROUTING, backends={"testing": "codex", "code_review": "claude"}, hybrid=("testing",))
IN_A_FOLDER = Weather(works=True)


def an_agent(name: str, executor: str = "codex", **changes: object) -> Tier:
    return a_tier(name, executor=executor, agent=Manner(program="/bin/true"), fallback=None, **changes)


def shop(*more: Tier) -> dict[str, Tier]:
    return {**tiers(), **{tier.name: tier for tier in more}}


def route(task: Task, *agents: Tier, weather: Weather = IN_A_FOLDER) -> tuple[str | None, list[str]]:
    """The tier, and the rules of the chain of reasons."""
    decision = choose_tier(task, shop(*agents), WITH_AGENTS, weather)
    if isinstance(decision, Routed):
        return decision.tier, [reason.rule for reason in decision.reasons]
    return None, []


def test_work_on_a_workspace_goes_to_the_agent_of_its_type() -> None:
    agents = an_agent("coder"), an_agent("reviewer", "claude")
    assert route(a_task(type="testing"), *agents) == ("coder", ["backend"])
    assert route(a_task(type="code_review"), *agents) == ("reviewer", ["backend"])
    assert route(a_task(type="general"), *agents) == ("medium", ["difficulty"])


def test_without_a_workspace_no_agent_gets_it_by_itself() -> None:
    coder = an_agent("coder")
    assert route(a_task(type="testing"), coder, weather=Weather()) == ("medium", ["difficulty"])
    local = an_agent("local-coder", reach=Reach.LOCAL)
    secret = a_task(type="testing", sensitivity=Sensitivity.CONFIDENTIAL, given_up=("local",))
    assert route(secret, local, weather=Weather()) == (None, [])
    assert route(secret, local)[0] == "local-coder"
    long = a_task(window_over=127_000, input_bytes=1, difficulty=Difficulty.LOW)
    huge = replace(local, context_tokens=200_000)
    assert route(replace(long, window_over=128_000), huge, weather=Weather()) == (None, [])


def test_what_a_task_asks_for_goes_before_what_suits_it() -> None:
    agents = an_agent("coder"), an_agent("reviewer", "claude")
    assert route(a_task(type="testing", asked_tier="high"), *agents) == ("high", ["asked"])
    assert route(a_task(type="testing", executor="claude"), *agents) == ("reviewer", ["executor"])
    assert route(a_task(type="testing", executor="chat"), *agents) == ("medium", ["difficulty"])
    assert route(a_task(type="general", executor="codex"), *agents, weather=Weather()) == ("coder", ["executor"])


def test_of_several_tiers_of_an_agent_that_of_the_level_comes_first() -> None:
    agents = [an_agent(f"codex-{name}") for name in ("strong", "plain", "quick")]
    for difficulty, name in zip((Difficulty.HIGH, Difficulty.MEDIUM, Difficulty.LOW), agents, strict=True):
        assert route(a_task(type="testing", difficulty=difficulty), *agents)[0] == name.name
    agents[1] = replace(agents[1], unfit="its key is missing")
    assert route(a_task(type="testing"), *agents)[0] == "codex-strong"


def test_where_its_agent_is_not_fit_it_goes_by_difficulty_and_says_why() -> None:
    decision = choose_tier(
        a_task(type="testing"), shop(an_agent("coder", unfit="codex is not installed")), WITH_AGENTS, IN_A_FOLDER
    )
    assert isinstance(decision, Routed)
    assert decision.tier == "medium"
    assert "codex is not installed" in decision.reasons[0].reason


def test_critical_work_of_the_named_types_goes_to_several_agents() -> None:
    agents = an_agent("coder"), a_tier("both", executor="hybrid", fallback=None)
    assert route(a_task(type="testing"), *agents)[0] == "coder"
    assert route(a_task(type="testing", priority=9), *agents) == ("both", ["hybrid"])
    assert route(a_task(type="testing", requires_high_capability=True), *agents) == ("both", ["hybrid"])
    assert route(a_task(type="code_review", priority=9), *agents)[0] == "medium"


def test_an_agent_without_a_sandbox_gets_nothing_confidential() -> None:
    bare = a_tier("bare", executor="codex", reach=Reach.LOCAL, agent=Manner(sandbox=False), fallback=None)
    walled = replace(bare, name="walled", agent=Manner())
    secret = a_task(type="testing", sensitivity=Sensitivity.CONFIDENTIAL, executor="codex")
    decision = choose_tier(secret, {"bare": bare}, WITH_AGENTS, IN_A_FOLDER)
    assert isinstance(decision, Park)
    assert decision.reason is ParkReason.SECRECY
    assert "bare runs without a sandbox, and the task is confidential" in decision.detail
    assert route(secret, bare, walled)[0] == "walled"
    assert route(replace(secret, sensitivity=None), bare)[0] is None, "what nobody has judged"
    assert route(replace(secret, sensitivity=Sensitivity.PUBLIC), bare)[0] == "bare"


def test_a_hybrid_is_as_open_as_any_of_its_members() -> None:
    bare, walled = an_agent("bare"), an_agent("walled")
    bare = replace(bare, agent=Manner(sandbox=False))
    assert why_open(a_tier("both", executor="hybrid", members=(walled, bare))) == "bare runs without a sandbox"
    assert why_open(a_tier("both", executor="hybrid", members=(walled, walled))) is None
    assert why_open(a_tier("chat")) is None


def test_nobody_asks_for_a_workspace_where_it_makes_no_difference() -> None:
    assert may_need_a_folder(a_task(), shop(an_agent("coder")))
    assert not may_need_a_folder(a_task(), shop())
    assert not may_need_a_folder(a_task(asked_tier="high"), shop(an_agent("coder")))
    assert not may_need_a_folder(a_task(executor="codex"), shop(an_agent("coder")))
