"""Work on a workspace goes to the agent of its type, as the board knows the task and `koubou explain` tells it."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.model.agent import Manner
from koubou.model.call import Bill, ErrorClass
from koubou.model.status import ParkReason
from koubou.model.task import Difficulty
from koubou.model.tier import Reach, Tier
from tests.builders import ROUTING, a_bench, a_budget, a_new_task, a_secret, a_tier, an_error, tiers
from tests.turns import Workshop

WITH_AGENTS = replace(ROUTING, backends={"testing": "codex", "code_review": "claude"})


def an_agent(name: str, executor: str, **changes: object) -> Tier:
    return a_tier(name, executor=executor, agent=Manner(program="/bin/true"), fallback=None, **changes)


def a_shop(*agents: Tier, others: bool = True) -> Workshop:
    found = {**(tiers() if others else {}), **{tier.name: tier for tier in agents}}
    benches = [a_bench(name) for name in found]
    return Workshop(tiers=found, routing=WITH_AGENTS, benches=benches, budget=a_budget(monthly=None))


def test_a_task_with_a_workspace_gets_the_agent_of_its_type_and_says_why() -> None:
    shop = a_shop(an_agent("coder", "codex"), an_agent("reviewer", "claude"))
    shop.drop(a_new_task("tests", type="testing", workspace="/srv/app"), a_new_task("asked", type="testing"))
    assert shop.task("tests").tier == "coder"
    assert shop.task("tests").route[-1].reason == "testing in a workspace goes to codex: coder"
    assert shop.task("asked").tier != "coder"


def test_when_its_agent_fails_for_good_the_next_of_that_executor_takes_it() -> None:
    shop = a_shop(an_agent("first", "codex", retries=0), an_agent("second", "codex"), others=False)
    shop.drop(a_new_task("tests", type="testing", workspace="/srv/app", difficulty=Difficulty.HIGH))
    assert shop.task("tests").tier == "first"
    shop.start("tests")
    shop.finish("tests", bill=Bill.NONE, error=an_error(ErrorClass.MODEL))
    assert shop.task("tests").given_up == ("first",)
    assert shop.task("tests").tier == "second"


def test_when_a_model_fails_for_good_an_agent_that_has_come_back_is_not_forgotten() -> None:
    coder = an_agent("coder", "codex")
    shop = a_shop(
        replace(coder, unfit="codex is not installed"), a_tier("high", retries=0, fallback=None), others=False
    )
    shop.drop(a_new_task("tests", type="testing", workspace="/srv/app", difficulty=Difficulty.HIGH))
    assert shop.task("tests").tier == "high"
    shop.start("tests")
    shop.tiers["coder"] = coder
    shop.finish("tests", bill=Bill.NONE, error=an_error(ErrorClass.MODEL))
    assert (shop.task("tests").given_up, shop.task("tests").tier) == (("high",), "coder")


def test_a_confidential_task_waits_rather_than_go_to_an_agent_without_a_sandbox() -> None:
    bare = a_tier("bare", executor="codex", reach=Reach.LOCAL, agent=Manner(sandbox=False), fallback=None)
    shop = a_shop(bare)
    secret = a_new_task("secret", type="testing", workspace="/srv/app", executor="codex", findings=(a_secret(),))
    shop.drop(secret, a_new_task("plain", type="testing", workspace="/srv/app", executor="codex"))
    assert shop.task("plain").tier == "bare"
    park = shop.task("secret").park
    assert park is not None
    assert park.reason is ParkReason.SECRECY
    assert "bare runs without a sandbox" in park.detail
