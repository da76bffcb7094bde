"""What leaves for a worker is looked at once more: what its bound knows nothing of is never sent."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from koubou.folders.layout import Layout
from koubou.journal import Journal
from koubou.master import deeds as deeds_module
from koubou.master.deeds import Deeds
from koubou.model.deed import SendRun
from koubou.model.heard import Heard, RunSent, RunUnsendable
from koubou.model.policy import OPEN
from tests.builders import a_new_task, a_tier
from tests.turns import Workshop


class Worker:
    """One that writes down what it is told."""

    leaving = False

    def __init__(self) -> None:
        self.tier = a_tier()
        self.said: list[Any] = []
        self.child = SimpleNamespace(say=self.said.append)


def sent(folder: Path, held_less: int = 0) -> tuple[list[Any], list[Heard]]:
    """What a worker is told of the first task of a workshop, and what the master hears of that."""
    shop, worker = Workshop(), Worker()
    shop.drop(a_new_task())
    (deed,) = [deed for deed in shop.deeds if isinstance(deed, SendRun)]
    shop.board.connection.execute("UPDATE task SET input_bytes = input_bytes - ?", (held_less,))
    workshop = SimpleNamespace(
        layout=Layout(home=str(folder)),
        tiers=shop.tiers,
        routing=shop.routing,
        intake=SimpleNamespace(policy=OPEN, rule_cache=""),
    )
    crew: Any = SimpleNamespace(members={deed.worker: worker}, workshop=workshop)
    heard: list[Heard] = []
    hands: Any = None
    deeds = Deeds(shop.board, crew, Journal(stream=io.StringIO()), hands=hands, hear=heard.append, tell=lambda: None)
    deeds.do([deed])
    shop.turn(*heard)
    assert shop.month().held == 0 or worker.said
    return worker.said, heard


def test_a_request_with_known_fields_is_sent(tmp_path: Path) -> None:
    said, heard = sent(tmp_path)
    assert len(said) == 1
    assert [type(word) for word in heard] == [RunSent]


def test_a_request_that_is_larger_than_what_is_held_for_is_not_sent_and_its_money_comes_back(tmp_path: Path) -> None:
    assert len(sent(tmp_path)[0]) == 1
    said, (word,) = sent(tmp_path, held_less=1)
    assert said == []
    assert isinstance(word, RunUnsendable)
    assert "money is held for" in word.reason


@pytest.mark.parametrize("field", [{"n": 4}, {"service_tier": "priority"}, {"web_search_options": {}}, {"fee": 1}])
def test_a_request_with_a_field_that_may_cost_more_is_not_sent_and_its_money_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: dict[str, Any]
) -> None:
    make = deeds_module.body_of

    def with_more(*asked: Any) -> tuple[Any, dict[str, Any]]:
        api, body = make(*asked)
        return api, {**body, **field}

    monkeypatch.setattr(deeds_module, "body_of", with_more)
    said, heard = sent(tmp_path)
    assert said == []
    (word,) = heard
    assert isinstance(word, RunUnsendable)
    assert word.for_good
    assert word.reason.startswith(f"the request is not sent: {next(iter(field))} ")
