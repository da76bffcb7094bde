"""The step that lets go: owed first, files next, text last; whatever comes in between, nothing is half gone."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.deed import RemoveFiles, Say
from koubou.model.heard import FilesRemoved, RetentionDue
from koubou.model.instant import DAY
from koubou.model.retention import Removal, Retention
from koubou.steps import Shop
from tests.builders import a_new_task
from tests.turns import Workshop

KEPT = Retention(completed=DAY, runs=DAY // 2, ids=10 * DAY)


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setattr(Shop, "__post_init__", _with_retention(Shop.__post_init__))
    return Workshop()


def _with_retention(prepare: Any) -> Any:
    def prepared(shop: Shop) -> None:
        shop.retention = KEPT
        prepare(shop)

    return prepared


def done(workshop: Workshop, task_id: str = "a-task", **asked: Any) -> None:
    """A task that has ended and is filed."""
    workshop.drop(a_new_task(task_id, **asked))
    workshop.start(task_id)
    workshop.finish(task_id)
    workshop.file()


def removals(workshop: Workshop) -> list[tuple[str, Removal]]:
    return [(deed.task_id, deed.what) for deed in workshop.deeds if isinstance(deed, RemoveFiles)]


def remove(workshop: Workshop) -> None:
    """The hand does what it was told."""
    deeds = [deed for deed in workshop.deeds if isinstance(deed, RemoveFiles)]
    workshop.turn(*[FilesRemoved(task=deed.task, what=deed.what, freed=7) for deed in deeds])


def test_records_go_first_then_the_text_then_the_id(workshop: Workshop) -> None:
    done(workshop)
    seq = workshop.task().seq
    workshop.turn(RetentionDue())
    assert removals(workshop) == []
    workshop.now += DAY // 2 + 1
    workshop.turn(RetentionDue())
    assert removals(workshop) == [("a-task", Removal.RUNS)]
    workshop.turn(RetentionDue())
    assert removals(workshop) == []  # it is owed already
    workshop.turn(FilesRemoved(task=seq, what=Removal.RUNS, freed=7))
    assert workshop.board.tasks.text(seq)
    workshop.now += DAY // 2
    workshop.turn(RetentionDue())
    assert removals(workshop) == [("a-task", Removal.TEXT)]
    assert workshop.board.tasks.text(seq)  # until the files are gone
    remove(workshop)
    said = [deed.fields for deed in workshop.deeds if isinstance(deed, Say) and deed.event == "retention.removed"]
    assert said == [{"texts": 1, "runs": 0, "purged": 0, "ids": 0, "bytes": 7}]
    assert workshop.events()[-2:] == ["task.removed", "task.removed"]
    workshop.now += 10 * DAY
    workshop.turn(RetentionDue())
    assert workshop.board.tasks.get("a-task") is None


def test_the_word_that_files_are_gone_counts_once(workshop: Workshop) -> None:
    done(workshop)
    workshop.now += DAY + 1
    workshop.turn(RetentionDue())
    deeds = workshop.deeds
    remove(workshop)
    workshop.deeds = deeds
    remove(workshop)
    assert workshop.events().count("task.removed") == 1
    assert not [deed for deed in workshop.deeds if isinstance(deed, Say) and deed.event == "retention.removed"]


def test_no_more_than_a_batch_is_owed_in_a_turn(workshop: Workshop) -> None:
    for number in range(70):
        done(workshop, f"t{number}")
    workshop.now += DAY + 1
    workshop.turn(RetentionDue())
    assert len(removals(workshop)) == 64
    remove(workshop)
    workshop.turn(RetentionDue())
    assert len(removals(workshop)) == 6


def test_a_task_whose_files_are_going_is_not_tried_again(workshop: Workshop) -> None:
    workshop.benches = []
    workshop.drop(a_new_task())
    workshop.ask("cancel", ids=["a-task"])
    workshop.file()
    assert workshop.ask("purge", ids=["a-task"])["ok"]["results"][0]["message"] == "being purged"
    refused = workshop.ask("retry", ids=["a-task"])["ok"]["results"][0]
    assert (refused["ok"], refused["kind"]) == (False, "illegal_move")
    assert "in a moment" in refused["message"]
    workshop.turn(FilesRemoved(task=workshop.task().seq, what=Removal.PURGE, freed=0))
    assert "purged" in workshop.ask("retry", ids=["a-task"])["ok"]["results"][0]["message"]
    assert workshop.ask("purge", ids=["a-task"])["ok"]["results"][0]["message"] == "purged"


def test_a_purge_goes_beyond_a_removal_that_was_owed(workshop: Workshop) -> None:
    done(workshop)
    seq = workshop.task().seq
    workshop.now += DAY + 1
    workshop.turn(RetentionDue())
    workshop.ask("purge", ids=["a-task"])
    assert removals(workshop) == [("a-task", Removal.PURGE)]
    workshop.turn(FilesRemoved(task=seq, what=Removal.TEXT, freed=7))  # the earlier one
    assert workshop.board.kept.gone_of(seq) == (None, None)
    workshop.turn(FilesRemoved(task=seq, what=Removal.PURGE, freed=0))
    assert workshop.events() == ["task.purged"]


def test_a_stranger_purges_nothing_and_only_an_operator_collects(workshop: Workshop) -> None:
    done(workshop, owner=1234)
    stranger = workshop.ask("purge", operator=False, uid=99, ids=["a-task"])["ok"]["results"][0]
    assert (stranger["ok"], stranger["kind"]) == (False, "unknown_task")
    assert workshop.ask("gc", operator=False, uid=1234)["error"]["kind"] == "not_allowed"
    assert workshop.ask("purge", operator=False, uid=1234, ids=["a-task"])["ok"]["results"][0]["ok"]


@pytest.mark.parametrize("older", [-1, "soon", 1.5])
def test_gc_takes_a_length_of_time(workshop: Workshop, older: object) -> None:
    assert workshop.ask("gc", older=older)["error"]["kind"] == "usage"


def test_gc_by_age_leaves_ids_and_what_waits(workshop: Workshop) -> None:
    done(workshop, "old")
    workshop.drop(a_new_task("new"))
    workshop.now += 1
    said = workshop.ask("gc", older=0)["ok"]
    assert (said["begun"], said["ids"], said["owed"]) == (1, 0, 1)
    assert removals(workshop) == [("old", Removal.TEXT)]


def test_what_another_waits_for_is_not_purged(workshop: Workshop) -> None:
    done(workshop, "first")
    workshop.drop(a_new_task("second", depends_on=("first", "not-yet")))
    refused = workshop.ask("purge", ids=["first"])["ok"]["results"][0]
    assert (refused["ok"], refused["kind"]) == (False, "illegal_move")
    assert "needed by task second" in refused["message"]
    assert removals(workshop) == []
