"""People judge answers, and like tasks go where such tasks did well."""

from __future__ import annotations

import pytest

from koubou.model.experience import Experience
from koubou.model.status import Status
from koubou.model.task import Difficulty
from tests.builders import a_new_task
from tests.turns import Workshop


def a_workshop_with_an_answer(**changes: object) -> Workshop:
    shop = Workshop()
    shop.drop(a_new_task(**changes))
    shop.start()
    shop.finish()
    shop.file()
    assert shop.task().status is Status.COMPLETED
    return shop


def known(shop: Workshop) -> Experience:
    task = shop.task()
    return shop.board.experience.of_type(task.type).get(task.tier or "", Experience())


def test_a_rating_counts_for_the_type_and_tier_of_its_task() -> None:
    shop = a_workshop_with_an_answer()
    assert shop.ask("rate", ids=["a-task"], rating="good")["ok"]["results"] == [
        {"id": "a-task", "ok": True, "message": "rated good"}
    ]
    assert shop.task().rated == "good"
    assert known(shop).good == 1
    assert shop.events()[-1] == "task.rated"


def test_rating_again_changes_the_word_and_never_counts_twice() -> None:
    shop = a_workshop_with_an_answer()
    for rating in ("good", "good", "bad", "bad"):
        shop.ask("rate", ids=["a-task"], rating=rating)
    assert shop.task().rated == "bad"
    assert (known(shop).good, known(shop).bad) == (0, 1)
    assert shop.events().count("task.rated") == 2


def test_only_the_answer_of_a_completed_task_is_rated() -> None:
    shop = Workshop()
    shop.drop(a_new_task())
    reply = shop.ask("rate", ids=["a-task"], rating="good")
    assert reply["ok"]["results"][0]["kind"] == "illegal_move"
    assert shop.task().rated is None


@pytest.mark.parametrize("rating", ["", "great", None, ["good"], 1])
def test_there_are_two_ratings(rating: object) -> None:
    shop = a_workshop_with_an_answer()
    assert shop.ask("rate", ids=["a-task"], rating=rating)["ok"]["results"][0]["kind"] == "usage"


def test_who_may_rate() -> None:
    shop = a_workshop_with_an_answer(owner=1000)
    stranger = shop.ask("rate", operator=False, uid=1001, ids=["a-task"], rating="bad")
    assert stranger["ok"]["results"][0]["kind"] == "unknown_task"
    assert known(shop) == Experience(answered=1)
    owner = shop.ask("rate", operator=False, uid=1000, ids=["a-task"], rating="bad")
    assert owner["ok"]["results"][0]["ok"]


def test_like_tasks_go_up_where_the_tier_did_them_poorly() -> None:
    shop = Workshop()
    for _ in range(20):
        shop.board.experience.poor("general", "local")
    shop.drop(a_new_task("learned", type="general", score=1))
    shop.drop(a_new_task("asked", type="general", score=1, difficulty=Difficulty.LOW))
    shop.drop(a_new_task("named", type="general", score=1, tier="local"))
    shop.drop(a_new_task("other", type="testing", score=1))
    assert (shop.task("learned").difficulty, shop.task("learned").tier) == (Difficulty.MEDIUM, "medium")
    assert "difficulty.experience" in {reason.rule for reason in shop.task("learned").route}
    for untouched in ("asked", "named", "other"):
        assert (shop.task(untouched).difficulty, shop.task(untouched).tier) == (Difficulty.LOW, "local")


def test_like_tasks_go_down_where_people_praised_the_tier_below() -> None:
    shop = Workshop()
    for _ in range(10):
        shop.board.experience.rated("general", "local", True, None)
    shop.drop(a_new_task("praised", type="general", score=5))
    assert (shop.task("praised").difficulty, shop.task("praised").tier) == (Difficulty.LOW, "local")
