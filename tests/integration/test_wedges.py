"""The wedge drill: facts that should not be never stop a turn; the one task is parked with its reason."""

from __future__ import annotations

from koubou.model.call import Bill, Usage
from koubou.model.deed import RejectClaim
from koubou.model.heard import RunFinished
from koubou.model.money import FREE, USD
from koubou.model.status import ParkReason, Status
from koubou.model.tier import Reach
from tests.builders import a_bench, a_budget, a_new_task, a_result, a_secret, a_tier, an_arrival, tiers
from tests.turns import Workshop


def test_an_account_above_its_limit_lets_nothing_further_through_and_the_turn_goes_on() -> None:
    shop = Workshop()
    shop.drop(a_new_task("before"))
    shop.finish("before")
    shop.budget = a_budget(monthly=1_000)
    shop.drop(a_new_task("after", tier="medium"))
    assert shop.task("after").outcome is Status.FAILED  # it can never fit a limit so small
    assert shop.month().over > 0
    shop.file()
    shop.drop(a_new_task("free", tier="local"))
    assert shop.sent() == ["free"]


def test_an_account_forced_above_its_limit_parks_who_would_fit_it() -> None:
    shop = Workshop()
    shop.turn()
    shop.board.connection.execute("UPDATE account SET settled = :all + 5, over = 5", {"all": USD})
    shop.drop(a_new_task("paid", tier="medium"), a_new_task("free", tier="local"))
    park = shop.task("paid").park
    assert park is not None
    assert park.reason is ParkReason.BUDGET
    assert shop.sent() == ["free"]


def test_a_settle_above_its_hold_is_recorded_freezes_the_model_and_the_turn_goes_on() -> None:
    shop = Workshop()
    shop.drop(a_new_task("dear"))
    shop.drop(a_new_task("other"))
    shop.finish("dear", usage=Usage(input_tokens=20, output_tokens=120_000))
    assert shop.task("dear").outcome is Status.COMPLETED
    assert shop.month().settled > USD
    assert shop.month().over > 0
    assert list(shop.board.crew.latches()) == ["model:model-of-medium"]
    shop.finish("other")
    assert shop.task("other").outcome is Status.COMPLETED
    assert shop.month().held == 0
    shop.drop(a_new_task("later", tier="medium"))
    assert shop.task("later").tier == "local"
    assert any("is frozen" in reason.reason for reason in shop.task("later").route)


def test_a_message_that_raises_parks_its_task_and_the_rest_of_the_turn_is_done() -> None:
    shop = Workshop()
    shop.drop(a_new_task("odd"))
    shop.drop(a_new_task("fine"))
    odd, fine = shop.run("odd"), shop.run("fine")
    impossible = a_result("odd", odd.number, odd.call, answer_bytes=1 << 70)
    shop.turn(RunFinished(result=impossible), RunFinished(result=a_result("fine", fine.number, fine.call)))
    park = shop.task("odd").park
    assert park is not None
    assert park.reason is ParkReason.OPERATOR
    assert shop.task("fine").outcome is Status.COMPLETED
    assert shop.month().held == 0
    assert shop.month().unreconciled > 0


def test_words_about_nobody_are_heard_and_forgotten() -> None:
    shop = Workshop()
    shop.turn(RunFinished(result=a_result("nobody", 1, "no-call", bill=Bill.UNKNOWN)))
    shop.drop(a_new_task())
    assert shop.sent() == ["a-task"]


def test_a_task_that_raises_in_a_step_is_parked_alone() -> None:
    # A tier without a price is never offered; one that is all the same is a fault that the step meets.
    shop = Workshop(tiers=tiers(a_tier("odd", price=None), *tiers().values()), benches=())
    shop.drop(a_new_task("odd", tier="odd"))
    shop.drop(a_new_task("fine"))
    shop.benches = [a_bench("odd"), a_bench("medium")]
    shop.turn()
    park = shop.task("odd").park
    assert park is not None
    assert park.reason is ParkReason.OPERATOR
    assert shop.sent() == ["fine"]


def test_a_task_that_nobody_has_classified_is_taken_for_confidential() -> None:
    shop = Workshop(benches=())
    shop.drop(a_new_task("odd"))
    assert shop.task("odd").tier == "medium"
    shop.board.connection.execute("UPDATE task SET sensitivity = NULL WHERE id = 'odd'")
    shop.benches = Workshop().benches
    shop.turn()
    shop.turn()
    assert shop.task("odd").tier == "local"


def test_a_tier_that_goes_to_the_cloud_while_a_secret_waits_for_it_never_gets_it() -> None:
    shop = Workshop(benches=())
    shop.drop(a_new_task("secret", findings=(a_secret(),)))
    assert shop.task("secret").tier == "local"
    shop.tiers = tiers(a_tier("high"), a_tier("medium"), a_tier("local", reach=Reach.CLOUD))
    shop.benches = Workshop().benches
    for _ in range(3):
        shop.turn()
        assert shop.sent() == []
    park = shop.task("secret").park
    assert park is not None
    assert park.reason is ParkReason.SECRECY


def test_usage_that_cannot_be_is_not_believed_and_the_paid_answer_is_kept() -> None:
    for absurd in (Usage(input_tokens=20, output_tokens=-5), Usage(input_tokens=10**30, output_tokens=1)):
        shop = Workshop()
        shop.drop(a_new_task())
        held = shop.month().held
        shop.finish(usage=absurd)
        assert shop.task().outcome is Status.COMPLETED
        assert (shop.month().settled, shop.month().unreconciled) == (held, held)


def test_a_call_is_settled_at_the_price_at_which_it_was_held() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    shop.tiers = tiers(a_tier("high"), a_tier("medium", price=FREE), a_tier("local"))
    shop.finish()
    assert shop.month().settled == 20 * 1_000 + 50 * 10_000


def test_a_circle_over_many_tasks_of_one_file_is_found_and_a_long_chain_is_none() -> None:
    shop = Workshop(benches=())
    chain = [
        a_new_task(f"link-{n}", depends_on=tuple(f"link-{m}" for m in range(max(0, n - 30), n))) for n in range(300)
    ]
    shop.drop(*chain)
    assert shop.board.tasks.get("link-299") is not None
    shop.drop(
        a_new_task("one", depends_on=("TWO",)),
        a_new_task("two", depends_on=("three",)),
        a_new_task("three", depends_on=("One",)),
    )
    (rejected,) = [deed for deed in shop.deeds if isinstance(deed, RejectClaim)]
    assert rejected.error["class"] == "cycle"


def test_a_request_that_raises_is_answered_and_the_turn_goes_on() -> None:
    shop = Workshop()
    assert "unavailable" in str(shop.ask("cancel", ids=["\ud800"])) or "unknown_task" in str(
        shop.ask("cancel", ids=["x"])
    )
    assert shop.ask("dance")["error"]["kind"] == "usage"
    shop.drop(a_new_task())
    assert shop.sent() == ["a-task"]


def test_a_file_that_raises_is_rejected_and_the_turn_goes_on() -> None:
    shop = Workshop()
    shop.turn(an_arrival(a_new_task("odd", prompt="\ud800")), an_arrival(a_new_task("fine")))
    assert [deed.error["class"] for deed in shop.deeds if isinstance(deed, RejectClaim)] == ["internal"]
    assert shop.sent() == ["fine"]
