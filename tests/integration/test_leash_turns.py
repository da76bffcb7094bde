"""Pauses, refused keys, windows that are too small, and workers that die: as turns decide them."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.call import Bill, ErrorClass
from koubou.model.deed import Say
from koubou.model.heard import RunSent, WorkerGone
from koubou.model.instant import HOUR
from koubou.model.status import ParkReason, Status
from tests.builders import a_bench, a_new_task, a_secret, a_tier, an_error, tiers
from tests.turns import Workshop


def refusal(kind: ErrorClass, **changes: Any) -> dict[str, Any]:
    return {"bill": Bill.NONE, "usage": None, "error": an_error(kind, **changes)}


def said(shop: Workshop, event: str) -> list[Say]:
    return [deed for deed in shop.deeds if isinstance(deed, Say) and deed.event == event]


def test_what_is_paused_begins_nothing_new_and_its_tasks_wait_there() -> None:
    shop = Workshop()
    shop.drop(a_new_task("at-work", tier="medium"))
    assert shop.ask("pause", tier="medium")["ok"] == {"paused": "medium", "at_work": 1}
    shop.drop(a_new_task("waits", tier="medium"), a_new_task("other", tier="high"))
    assert shop.sent() == ["other"]
    assert (shop.task("waits").tier, shop.task("waits").park) == ("medium", None)
    shop.finish("at-work")
    assert shop.sent() == []
    assert shop.ask("resume", tier="medium")["ok"] == {"resumed": ["pause:medium"]}
    assert shop.sent() == ["waits"]


def test_everything_can_be_paused_and_only_an_operator_may() -> None:
    shop = Workshop()
    assert shop.ask("pause", operator=False, uid=1000)["error"]["kind"] == "not_allowed"
    assert shop.ask("pause", tier="moon")["error"]["kind"] == "usage"
    shop.ask("pause", reason="maintenance")
    shop.drop(a_new_task("a", tier="medium"), a_new_task("b", tier="local"))
    assert shop.sent() == []
    shop.ask("resume")
    assert set(shop.sent()) == {"a", "b"}


@pytest.mark.parametrize("kind", [ErrorClass.AUTH, ErrorClass.QUOTA])
def test_a_refused_key_sets_its_tier_aside_once_and_tells_of_it(kind: ErrorClass) -> None:
    shop = Workshop(tiers=tiers(a_tier("medium", fallback="local"), a_tier("local")))
    shop.drop(a_new_task("one", tier="medium"))
    shop.drop(a_new_task("two", tier="medium"))
    shop.finish("one", **refusal(kind))
    assert len(said(shop, "tier.degraded")) == 1
    assert shop.task("one").tier == "local"
    shop.finish("two", **refusal(kind))
    assert said(shop, "tier.degraded") == []
    shop.drop(a_new_task("three", tier="medium"))
    assert shop.task("three").tier == "local"
    assert any("refused" in reason.reason for reason in shop.task("three").route)
    shop.ask("resume", tier="medium")
    shop.drop(a_new_task("four", tier="medium"))
    assert shop.task("four").tier == "medium"


def test_another_key_of_the_tier_serves_at_once_and_no_try_is_used_up() -> None:
    shop = Workshop()
    shop.drop(a_new_task("one", tier="medium", retries=0))
    shop.finish("one", **refusal(ErrorClass.AUTH, another_key=True))
    assert shop.sent() == ["one"]
    assert (shop.task("one").failures, shop.board.crew.latches()) == (0, {})


def test_what_is_too_long_goes_to_a_tier_with_a_larger_window_also_beyond_its_chain() -> None:
    large = a_tier("large", context_tokens=1_000_000)
    small = a_tier("local", context_tokens=8_000, fallback=None)
    shop = Workshop(tiers=tiers(a_tier("medium", context_tokens=8_000, fallback=None), large, small))
    shop.benches = [*shop.benches, a_bench("large")]
    shop.drop(a_new_task("long", tier="medium"))
    shop.finish("long", **refusal(ErrorClass.CONTEXT))
    assert shop.task("long").tier == "large"
    assert any("too long" in reason.reason for reason in shop.task("long").route)
    shop.finish("long", **refusal(ErrorClass.CONTEXT))
    assert shop.task("long").outcome is Status.FAILED


def test_what_is_too_long_and_secret_never_goes_to_the_cloud() -> None:
    large = a_tier("large", context_tokens=1_000_000)
    shop = Workshop(tiers=tiers(large, a_tier("medium"), a_tier("local", context_tokens=8_000, fallback=None)))
    shop.drop(a_new_task("long", findings=(a_secret(),)))
    shop.finish("long", **refusal(ErrorClass.CONTEXT))
    assert shop.task("long").outcome is Status.FAILED


def die(shop: Workshop, worker: str) -> None:
    """The worker dies by itself, with all that it has."""
    under_way = shop.board.runs.open_of_worker(worker)
    shop.turn(*[RunSent(task=run.task, run=run.number) for _, run in under_way])
    shop.turn(WorkerGone(worker=worker, reason="it died", on_purpose=False, results={}))


def test_the_neighbours_of_a_task_that_kills_its_worker_are_not_blamed() -> None:
    """Of three nobody knows who did it: each is tried apart, and only who dies alone is counted."""
    bench = a_bench("local", room=4)
    shop = Workshop(benches=[bench])
    names = ["killer", "one", "two"]
    shop.drop(*[a_new_task(name, tier="local") for name in names])
    assert len(shop.sent()) == 3
    die(shop, bench.worker)
    assert [shop.task(name).interruptions for name in names] == [0, 0, 0]
    assert shop.sent() == ["killer"], "one at a time"
    for count in (1, 2):
        die(shop, bench.worker)
        assert shop.task("killer").interruptions == count
        assert shop.sent() == ["killer"]
    die(shop, bench.worker)
    park = shop.task("killer").park
    assert park is not None
    assert park.reason is ParkReason.OPERATOR
    assert shop.sent() == ["one"]
    shop.drop(a_new_task("new", tier="local"))
    assert shop.sent() == [], "who is tried apart has the worker for himself"
    shop.finish("one")
    assert shop.sent() == ["two"]
    shop.finish("two")
    assert shop.sent() == ["new"]
    assert [shop.task(name).outcome for name in ("one", "two")] == [Status.COMPLETED, Status.COMPLETED]
    assert [shop.task(name).interruptions for name in ("one", "two")] == [0, 0]


def test_a_task_that_is_tried_apart_gets_a_worker_though_others_keep_coming() -> None:
    bench = a_bench("local", room=2)
    shop = Workshop(benches=[bench])
    shop.drop(a_new_task("a", tier="local"), a_new_task("b", tier="local"))
    die(shop, bench.worker)
    assert shop.sent() == ["a"]
    shop.finish("a")
    shop.file()
    shop.benches = [a_bench("local", room=1)]
    shop.drop(a_new_task("c", tier="local", priority=1))
    assert "b" in [task for task, _ in shop.board.runs.open()]


def test_an_end_that_was_meant_blames_nobody() -> None:
    bench = a_bench("local")
    shop = Workshop(benches=[bench])
    shop.drop(a_new_task("a", tier="local"))
    run = shop.run("a")
    shop.turn(RunSent(task=run.task, run=run.number))
    shop.turn(WorkerGone(worker=bench.worker, reason="restarted", on_purpose=True, results={}))
    assert (shop.task("a").interruptions, shop.task("a").suspect) == (0, False)


def test_a_restart_keeps_a_pause() -> None:
    shop = Workshop()
    shop.ask("pause", reason="night")
    again = Workshop(board=shop.board)
    again.drop(a_new_task("a", tier="medium"))
    assert again.sent() == []
    again.now += HOUR
    again.turn()
    assert again.sent() == []
