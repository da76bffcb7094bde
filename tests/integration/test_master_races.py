"""What must hold though something happens in between: a reload while a worker is started, a file too bulky to pass."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from workshop import Workshop as RunningWorkshop

from koubou.embedded.keeper import EmbeddedSettings
from koubou.folders.layout import Layout
from koubou.journal import Journal
from koubou.master import crew as crew_module
from koubou.master.crew import Crew
from koubou.master.deeds import Deeds
from koubou.master.member import Member
from koubou.master.workshop import CrewRules, Workshop
from koubou.model.circuit import BreakerRules
from koubou.model.deed import SendRun
from koubou.model.heard import Heard, RunUnsendable
from koubou.model.routing import Routing
from koubou.model.task import Difficulty
from koubou.model.tier import Reach, Tier
from koubou.wire.hand_messages import IntakeOrders
from tests.builders import ROUTING, a_budget, a_new_task, a_secret, a_tier
from tests.turns import Workshop as Turns


def a_workshop(home: Path, tier: Tier) -> Workshop:
    orders = IntakeOrders(
        home=str(home),
        settle=2_000,
        max_file=1_000,
        max_attached=1_000,
        min_free_disk=0,
        roots=(),
        tiers=(tier.name,),
        rule_cache=str(home),
    )
    return Workshop(
        layout=Layout(home=str(home)),
        tiers={tier.name: tier},
        keys={},
        routing=Routing(tiers=dict.fromkeys(Difficulty, tier.name)),
        breaker=BreakerRules(),
        budget=a_budget(),
        intake=orders,
        max_pending=10,
        workers=CrewRules(
            drain_timeout=1_000,
            orphan_grace=1_000,
            idle_timeout=60_000,
            hang_after=30,
            max_runs=None,
            max_memory=None,
        ),
        embedded=EmbeddedSettings(model="none", alias="none"),
    )


def a_crew(workshop: Workshop) -> Crew:
    journal = Journal(stream=io.StringIO())
    return Crew(workshop, journal, new_id=lambda: "1", chance=lambda: 0.0, heard=lambda _: None, gone=lambda *_: None)


def test_a_worker_that_was_started_for_a_tier_that_has_changed_meanwhile_gets_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = a_tier("medium", executor="rehearsal")
    crew = a_crew(a_workshop(tmp_path, cloud))
    start = Member.start

    async def start_while_the_settings_change(*arguments: Any, **named: Any) -> Member:
        member = await start(*arguments, **named)
        crew.retire_changed(a_workshop(tmp_path, replace(cloud, reach=Reach.LOCAL)))
        return member

    monkeypatch.setattr(crew_module.Member, "start", start_while_the_settings_change)

    async def hire() -> None:
        member = await crew.hire(cloud)
        assert member is not None
        try:
            member.ready = True
            assert member.leaving
            assert crew.benches() == []
            member.leaving = False  # even one that does not leave is of another tier than the one that is asked for
            assert crew.benches() == []
        finally:
            crew.kill_all()
            while crew.members:
                await asyncio.sleep(0.01)

    asyncio.run(hire())


def test_no_secret_is_sent_to_a_worker_that_is_not_local(tmp_path: Path) -> None:
    shop = Turns()
    shop.drop(a_new_task(findings=(a_secret(),)))
    (deed,) = [deed for deed in shop.deeds if isinstance(deed, SendRun)]
    assert shop.task().tier == "local"
    crew = a_crew(a_workshop(tmp_path, a_tier("local")))

    class Nowhere:
        tier = a_tier("local", reach=Reach.CLOUD)
        leaving = False

    crew.members[deed.worker] = Nowhere()  # type: ignore[assignment]
    heard: list[Heard] = []
    deeds = Deeds(shop.board, crew, Journal(stream=io.StringIO()), hands=None, hear=heard.append, tell=lambda: None)  # type: ignore[arg-type]
    deeds.do([deed])
    assert [type(word) for word in heard] == [RunUnsendable]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[RunningWorkshop]:
    tier = {"reach": "local", "executor": "rehearsal", "price": {"input": 0, "output": 0}, "workers": {"max": 1}}
    routing = {str(difficulty): "local" for difficulty in ROUTING.tiers}
    security = {"allowed_workspaces": [str(tmp_path)]}
    with RunningWorkshop(None, tiers={"local": tier}, routing=routing, security=security) as running:
        yield running.start()


def test_a_file_that_is_too_bulky_to_pass_on_keeps_no_other_out(workshop: RunningWorkshop, tmp_path: Path) -> None:
    (tmp_path / "bulky.txt").write_bytes(b"\x01" * 9_900_000)
    workshop.drop("bulky.yaml", {"workspace": str(tmp_path), "prompt_file": "bulky.txt"})
    workshop.drop("fine.yaml", {"id": "fine", "prompt": "Hello"})
    assert workshop.output("fine")["status"] == "completed"
    assert workshop.refusal("bulky.yaml")["error"]["class"] == "size"
    assert not list(workshop.events("hand.lost"))
