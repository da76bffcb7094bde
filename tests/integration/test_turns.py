"""The way of a task through the steps, on a real board in memory."""

from __future__ import annotations

import pytest

from koubou.model.call import Bill, ErrorClass
from koubou.model.circuit import Circuit, CircuitState
from koubou.model.deed import CancelRun, DiscardClaim, FileAway, RejectClaim
from koubou.model.heard import RunFinished, RunUnsendable, WorkerGone
from koubou.model.instant import HOUR
from koubou.model.money import USD
from koubou.model.status import ParkReason, Status, Waiting
from koubou.model.task import Sensitivity
from koubou.rules.breaker import circuit_of
from tests.builders import a_bench, a_budget, a_new_task, a_result, a_secret, a_tier, an_arrival, an_error, tiers
from tests.turns import Workshop


def test_a_dropped_task_reaches_its_worker_in_one_turn() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    assert shop.sent() == ["a-task"]
    assert shop.task().status is Status.ASSIGNED
    assert DiscardClaim(claim="claim-of-a-task") in shop.deeds
    assert shop.month().held > 0


def test_a_task_is_completed_only_once_it_is_filed() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    shop.start()
    shop.finish()
    assert shop.task().status is Status.IN_PROGRESS
    assert [deed for deed in shop.deeds if isinstance(deed, FileAway)]
    shop.file()
    assert shop.task().status is Status.COMPLETED
    assert shop.month().held == 0
    assert shop.month().settled == 20 * 1_000 + 50 * 10_000
    assert shop.events() == [
        "task.enqueued",
        "task.classified",
        "task.routed",
        "task.admitted",
        "task.started",
        "task.completed",
    ]


def test_the_same_file_read_twice_after_a_crash_is_one_task() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    shop.drop(a_new_task())
    assert DiscardClaim(claim="claim-of-a-task") in shop.deeds
    assert shop.board.tasks.counted()[Status.ASSIGNED] == 1
    assert "task.duplicate" not in shop.events(), "nobody has dropped it twice"


def test_a_task_that_waits_for_somebody_elses_is_refused() -> None:
    shop = Workshop()
    shop.drop(a_new_task("theirs", owner=2000))
    shop.drop(a_new_task("mine", depends_on=("theirs",)))
    (rejected,) = [deed for deed in shop.deeds if isinstance(deed, RejectClaim)]
    assert rejected.error["class"] == "permission"


def test_a_task_that_waited_before_somebody_else_took_the_id_does_not_get_his_answer() -> None:
    shop = Workshop()
    shop.drop(a_new_task("mine", prompt="Repeat {{ inputs.it }}", depends_on=("theirs",), inputs={"it": "theirs"}))
    shop.drop(a_new_task("theirs", owner=2000))
    shop.start("theirs")
    shop.finish("theirs")
    shop.file()
    assert shop.task("mine").outcome is Status.FAILED
    error = shop.board.tasks.error_of(shop.task("mine").seq)
    assert error is not None
    assert error["class"] == "permission"


def test_the_same_id_and_content_again_is_a_duplicate_and_other_content_is_rejected() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    shop.drop(a_new_task(claim="second"))
    assert DiscardClaim(claim="second") in shop.deeds
    assert "task.duplicate" in shop.events()
    shop.drop(a_new_task(claim="third", digest="other"))
    (rejected,) = [deed for deed in shop.deeds if isinstance(deed, RejectClaim)]
    assert rejected.error["class"] == "duplicate_id"


def test_all_documents_of_a_file_are_taken_or_none() -> None:
    shop = Workshop()
    shop.drop(a_new_task("first"))
    shop.drop(a_new_task("second"), a_new_task("first", digest="other"))
    assert shop.board.tasks.get("second") is None
    assert [deed.claim for deed in shop.deeds if isinstance(deed, RejectClaim)] == ["claim-of-second"]


def test_ids_are_the_same_without_regard_to_case() -> None:
    shop = Workshop()
    shop.drop(a_new_task("One"))
    shop.drop(a_new_task("ONE", digest="other"))
    assert [deed for deed in shop.deeds if isinstance(deed, RejectClaim)]


def test_dispatch_goes_by_priority_and_then_by_age() -> None:
    shop = Workshop(benches=())
    for name, priority in (("old", 5), ("low", 1), ("urgent", 9), ("young", 5)):
        shop.drop(a_new_task(name, priority=priority))
    shop.benches = [a_bench(room=3)]
    shop.turn()
    assert shop.sent() == ["urgent", "old", "young"]


def test_no_more_are_admitted_than_there_are_places() -> None:
    shop = Workshop(benches=[a_bench(room=2)])
    shop.drop(*[a_new_task(f"task-{number}") for number in range(5)])
    assert len(shop.sent()) == 2
    shop.turn()
    assert shop.sent() == []


def test_a_confidential_task_waits_for_a_release_by_name_where_no_tier_is_local() -> None:
    shop = Workshop(tiers=tiers(a_tier("high"), a_tier("medium", fallback=None)) | {})
    shop.drop(a_new_task(findings=(a_secret(),)))
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.SECRECY
    assert "not_allowed" in str(shop.ask("release", operator=False, uid=1000, id="a-task", to="public", reason="x"))
    assert "ok" in shop.ask("release", id="a-task", to="public", reason="a false alarm")
    assert shop.sent() == ["a-task"]
    assert "task.released" in shop.events()


def test_a_task_that_reads_a_confidential_answer_is_confidential() -> None:
    shop = Workshop()
    shop.drop(a_new_task("plan", findings=(a_secret(),)))
    shop.drop(a_new_task("work", prompt="Do {{ inputs.plan }}", depends_on=("plan",), inputs={"plan": "plan"}))
    park = shop.task("work").park
    assert park is not None
    assert park.reason is ParkReason.DEPENDENCY
    told = shop.ask("release", id="work", to="public", reason="nothing of its own is secret")
    assert told["ok"]["unread"] == ["plan"], "what it reads may raise it again"
    shop.start("plan")
    shop.finish("plan", answer_bytes=500)
    shop.file()
    work = shop.task("work")
    assert (work.sensitivity, work.tier, work.inputs_bytes) == (Sensitivity.CONFIDENTIAL, "local", 500)


def test_a_child_is_as_secret_as_its_parent_until_a_person_says_otherwise() -> None:
    shop = Workshop()
    shop.drop(a_new_task("epic", findings=(a_secret(),)), a_new_task("part", parent="Epic"))
    assert (shop.task("part").sensitivity, shop.task("part").tier) == (Sensitivity.CONFIDENTIAL, "local")
    assert "it belongs to Epic, which is" in " ".join(told for _, _, told, _ in shop.board.history.of_task(2))
    shop.drop(a_new_task("stranger", parent="epic", owner=1001), a_new_task("orphan", parent="nobody"))
    assert {shop.task(name).sensitivity for name in ("stranger", "orphan")} == {Sensitivity.PUBLIC}
    shop.benches = []
    shop.drop(a_new_task("another", parent="epic"))
    assert "ok" in shop.ask("release", id="another", to="public", reason="nothing of the epic is in it")
    shop.turn()
    assert shop.task("another").sensitivity is Sensitivity.PUBLIC


def test_a_child_is_tried_at_no_cloud_tier_that_comes_back_once_its_parent_is_secret() -> None:
    shop = Workshop(tiers=tiers(a_tier("medium", fallback=None, unfit="its key is missing")))
    shop.drop(a_new_task("epic", tier="medium"), a_new_task("part", parent="epic", tier="medium"))
    assert shop.task("part").sensitivity is Sensitivity.PUBLIC
    shop.board.tasks.set_sensitivity(shop.task("epic"), Sensitivity.CONFIDENTIAL, shop.now)
    shop.tiers = tiers(a_tier("medium", fallback=None))
    shop.board.circuits.put(Circuit(name=circuit_of(shop.tiers["medium"]), state=CircuitState.HALF_OPEN))
    shop.turn()
    assert shop.sent() == []
    assert shop.task("part").sensitivity is Sensitivity.CONFIDENTIAL


def test_a_task_whose_need_fails_fails_with_it() -> None:
    shop = Workshop()
    shop.drop(a_new_task("plan"))
    shop.drop(a_new_task("work", depends_on=("plan",)))
    shop.ask("cancel", ids=["plan"])
    shop.finish("plan", bill=Bill.NONE, usage=None, error=an_error(ErrorClass.CANCELLED))
    shop.file()
    assert shop.task("work").outcome is Status.FAILED


def test_a_circle_of_needs_is_rejected() -> None:
    shop = Workshop()
    shop.drop(a_new_task("one", depends_on=("two",)))
    shop.drop(a_new_task("two", depends_on=("one",)))
    (rejected,) = [deed for deed in shop.deeds if isinstance(deed, RejectClaim)]
    assert rejected.error["class"] == "cycle"


def test_a_task_waits_for_its_time_and_then_goes_on() -> None:
    shop = Workshop()
    shop.drop(a_new_task(not_before=shop.now + HOUR))
    assert shop.task().park is not None
    assert shop.board.tasks.next_wake() == shop.now + HOUR
    shop.now += HOUR
    shop.turn()
    assert shop.sent() == ["a-task"]


def test_a_task_whose_time_is_over_fails() -> None:
    shop = Workshop(benches=())
    shop.drop(a_new_task(expires_at=shop.now + HOUR))
    shop.now += HOUR
    shop.turn()
    assert shop.task().outcome is Status.FAILED


def test_two_tasks_with_one_lock_are_never_at_work_together() -> None:
    shop = Workshop()
    shop.drop(a_new_task("one", locks=("tree",)))
    shop.drop(a_new_task("two", locks=("tree",)))
    assert shop.task("two").park is not None
    shop.finish("one")
    assert shop.sent() == ["two"], "in the same turn"


def test_a_server_error_is_tried_again_and_then_falls_back() -> None:
    shop = Workshop(tiers=tiers(a_tier("high"), a_tier("medium", retries=1), a_tier("local")))
    shop.drop(a_new_task())
    for _ in range(2):
        shop.finish(bill=Bill.NONE, usage=None, error=an_error())
        shop.now += HOUR
        shop.turn()
    task = shop.task()
    assert (task.tier, task.given_up, task.attempts) == ("local", ("medium",), 3)
    assert shop.month().held == shop.month().settled == 0


def test_an_unknown_outcome_settles_the_whole_hold_and_is_marked() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    held = shop.month().held
    shop.finish(bill=Bill.UNKNOWN, usage=None, error=an_error(ErrorClass.CUT))
    account = shop.month()
    assert (account.settled, account.unreconciled) == (held, held)


def test_a_late_word_of_an_earlier_run_moves_only_money() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    first = shop.start()
    gone = WorkerGone(worker=first.worker, reason="killed", on_purpose=False, results={})
    shop.turn(gone)
    assert shop.task().attempts == 2
    settled = shop.month().settled
    shop.turn(RunFinished(result=a_result("a-task", first.number, first.call)))
    assert shop.task().outcome is None
    assert shop.month().settled == settled


def test_a_run_that_was_never_sent_gives_its_money_back() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    run = shop.run()
    shop.benches = ()
    shop.turn(RunUnsendable(task=run.task, run=run.number, reason="its worker has gone"))
    assert (shop.month().held, shop.month().settled) == (0, 0)
    assert shop.task().waiting is Waiting.ADMIT


def test_a_task_that_was_at_work_in_three_workers_that_died_is_set_aside() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    for _ in range(3):
        run = shop.start()
        shop.turn(WorkerGone(worker=run.worker, reason="killed", on_purpose=False, results={}))
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.OPERATOR


def test_of_several_in_a_worker_that_died_none_is_blamed_and_each_is_tried_apart() -> None:
    shop = Workshop(benches=[a_bench("local")])
    shop.drop(*[a_new_task(name, tier="local") for name in ("a", "b", "c")])
    for name in ("a", "b", "c"):
        shop.start(name)
    shop.turn(WorkerGone(worker=shop.run("a").worker, reason="killed", on_purpose=False, results={}))
    tried = []
    for _ in range(3):
        assert [shop.task(name).interruptions for name in ("a", "b", "c")] == [0, 0, 0]
        at_work = [name for name in ("a", "b", "c") if shop.task(name).waiting is Waiting.RUN]
        assert len(at_work) == 1, "one at a time"
        tried += at_work
        shop.start(*at_work)
        shop.finish(*at_work)
    assert sorted(tried) == ["a", "b", "c"]


def test_who_comes_while_a_suspect_is_tried_waits_for_its_end() -> None:
    shop = Workshop(benches=[a_bench("local")])
    shop.drop(a_new_task("suspect", tier="local"))
    run = shop.start("suspect")
    gone = WorkerGone(worker=run.worker, reason="killed", on_purpose=False, results={})
    shop.turn(gone, an_arrival(a_new_task("next", tier="local")))
    assert shop.sent() == ["suspect"]
    shop.turn()
    assert shop.sent() == []
    shop.finish("suspect")
    assert shop.sent() == ["next"]


def test_a_worker_that_was_sent_home_is_no_fault_of_its_task() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    for _ in range(5):
        run = shop.start()
        shop.turn(WorkerGone(worker=run.worker, reason="drained", on_purpose=True, results={}))
    assert shop.task().interruptions == 0


def test_a_task_that_must_not_run_twice_is_held_after_an_interruption() -> None:
    shop = Workshop()
    shop.drop(a_new_task(on_interrupt="hold"))
    run = shop.start()
    shop.turn(WorkerGone(worker=run.worker, reason="killed", on_purpose=False, results={}))
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.INTERRUPTED


def test_a_record_that_was_left_is_used_and_not_paid_again() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    run = shop.start()
    left = {("a-task", run.number): a_result("a-task", run.number, run.call)}
    shop.turn(WorkerGone(worker=run.worker, reason="killed", on_purpose=True, results=left))
    assert shop.task().outcome is Status.COMPLETED
    assert shop.task().attempts == 1


def test_who_waits_is_cancelled_at_once_and_who_works_is_stopped() -> None:
    shop = Workshop(benches=[a_bench(room=1)])
    shop.drop(a_new_task("working"))
    shop.drop(a_new_task("waiting"))
    shop.ask("cancel", ids=["working", "waiting", "unknown"])
    assert shop.task("waiting").outcome is Status.CANCELLED
    assert [deed.task_id for deed in shop.deeds if isinstance(deed, CancelRun)] == ["working"]
    shop.finish("working", bill=Bill.UNKNOWN, usage=None, error=an_error(ErrorClass.CANCELLED))
    assert shop.task("working").outcome is Status.CANCELLED


def test_nobody_touches_the_task_of_somebody_else() -> None:
    shop = Workshop(benches=())
    shop.drop(a_new_task(owner=1000))
    reply = shop.ask("cancel", operator=False, uid=1001, ids=["a-task"])
    assert reply["ok"]["results"][0]["kind"] == "unknown_task"
    assert shop.task().outcome is None


def test_a_failed_task_can_be_tried_again() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    shop.finish(bill=Bill.NONE, usage=None, error=an_error(ErrorClass.BAD_REQUEST))
    shop.file()
    assert shop.task().status is Status.FAILED
    (ended,) = shop.board.connection.execute("SELECT reason FROM history WHERE event = 'task.failed'").fetchone()
    assert ended == "bad_request; 1 run, $0.00"
    shop.ask("retry", ids=["a-task"])
    assert shop.sent() == ["a-task"]
    shop.finish()
    shop.file()
    assert shop.task().status is Status.COMPLETED


def test_an_emergency_stop_lets_nothing_further_start_until_a_person_says_so() -> None:
    shop = Workshop()
    shop.ask("latch", reason="SIGUSR2")
    shop.drop(a_new_task())
    assert shop.sent() == []
    assert "usage" in str(shop.ask("resume_budget"))
    shop.ask("resume_budget", reason="all is well")
    shop.turn()
    assert shop.sent() == ["a-task"] or shop.task().status is Status.ASSIGNED


@pytest.mark.parametrize("executor", ["command:tool", "codex", "claude"])
def test_an_emergency_stop_ends_agents_at_work_and_they_are_tried_again_later(executor: str) -> None:
    shop = Workshop(tiers=tiers() | {"local": a_tier("local", executor=executor)})
    shop.drop(a_new_task("agent", tier="local"), a_new_task("call"))
    run = shop.start("agent")
    shop.start("call")
    shop.ask("latch", reason="SIGUSR2")
    stopped = [deed for deed in shop.deeds if isinstance(deed, CancelRun)]
    assert stopped == [CancelRun(task_id="agent", run=run.number, worker=run.worker)]
    shop.finish("agent", bill=Bill.UNKNOWN, usage=None, error=an_error(ErrorClass.CANCELLED))
    assert (shop.task("agent").status, shop.task("agent").failures) == (Status.PENDING, 0)
    shop.turn()
    assert shop.sent() == []
    shop.ask("resume_budget", reason="all is well")
    shop.turn()
    assert shop.run("agent").number == 2


def test_agents_finish_at_an_emergency_stop_where_the_settings_say_so() -> None:
    shop = Workshop(
        tiers=tiers() | {"local": a_tier("local", executor="command:tool")}, budget=a_budget(stop_agents=False)
    )
    shop.drop(a_new_task("agent", tier="local"))
    shop.start("agent")
    shop.ask("latch", reason="SIGUSR2")
    assert not [deed for deed in shop.deeds if isinstance(deed, CancelRun)]


def test_who_was_stopped_and_may_not_be_tried_again_by_itself_waits_for_a_person() -> None:
    shop = Workshop(tiers=tiers() | {"local": a_tier("local", executor="command:tool")})
    shop.drop(a_new_task("agent", tier="local", on_interrupt="hold"))
    shop.start("agent")
    shop.ask("latch", reason="SIGUSR2")
    shop.finish("agent", bill=Bill.UNKNOWN, usage=None, error=an_error(ErrorClass.CANCELLED))
    park = shop.task("agent").park
    assert park is not None
    assert park.reason is ParkReason.INTERRUPTED


def test_free_local_tasks_go_on_when_the_money_is_spent() -> None:
    shop = Workshop(budget=a_budget(monthly=1))
    shop.drop(a_new_task("paid"))
    assert shop.task("paid").outcome is Status.FAILED
    shop.drop(a_new_task("free", tier="local"))
    assert shop.sent() == ["free"]


def test_parked_tasks_wake_as_money_comes_back_and_as_many_as_fit() -> None:
    shop = Workshop(budget=a_budget(monthly=USD // 20))
    shop.drop(*[a_new_task(f"task-{number}") for number in range(6)])
    at_work = shop.sent()
    assert 0 < len(at_work) < 6
    done = set()
    for _ in range(10):
        for name in [f"task-{number}" for number in range(6)]:
            if shop.task(name).waiting is Waiting.RUN:
                shop.finish(name)
                done.add(name)
        shop.turn()
    assert len(done) == 6
    assert shop.month().held == 0


@pytest.mark.parametrize("reason", ["public", "confidential", ""])
def test_a_release_needs_a_level_below_and_a_reason(reason: str) -> None:
    shop = Workshop(benches=())
    shop.drop(a_new_task(findings=(a_secret(),)))
    reply = shop.ask("release", id="a-task", to=reason, reason="" if reason == "public" else "because")
    assert reply["error"]["kind"] == "usage"
