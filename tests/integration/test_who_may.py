"""Every verb, every role, by the socket; and what a submitter may ask for by the folder: what the table says happens.

Which door carries what stands in `tests/doors.py`; the folder's verbs are in `test_every_door.py`, the API's with the
window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from koubou.master.crew import Crew
from koubou.master.reception import Reception
from koubou.model.access import Access, Caller, Role, Scope
from koubou.model.budget import Limits
from koubou.model.deed import RejectClaim
from koubou.model.heard import Asked, SettingsRead, TurnedAway
from koubou.model.task import Bounds, TaskBudget
from koubou.rules.access import OF_THE_HOUSE, scope_of
from koubou.rules.alarms import MOST_REFUSED, WITHIN
from tests.builders import a_budget, a_new_task, an_arrival
from tests.doors import Door as Entrance
from tests.doors import Outcome, not_through, outcome, through
from tests.turns import Workshop

KIM, LEE = 1001, 1002
ALL_ROLES = tuple(Role)


def a_caller(role: Role, *, uid: int = KIM, house: bool = False) -> Caller:
    return Caller(actor="kim", role=role, uid=uid, source="socket", house=house)


@pytest.fixture
def shop() -> Workshop:
    shop = Workshop(benches=())
    shop.drop(a_new_task("hers", owner=LEE), a_new_task("his", owner=KIM))
    return shop


class Door:
    """The socket without its descriptor: what the reception does not answer at once, a turn does."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.reloads = 0
        crew = cast(Crew, SimpleNamespace(members={}, tiers=dict, workshop=shop))
        self.reception = Reception(shop.board, crew, hear=self._hear, reload=self._reload)

    async def _reload(self) -> list[str]:
        self.reloads += 1
        return []

    def _hear(self, message: Asked | TurnedAway | SettingsRead) -> None:
        replies = self.shop.turn(message)
        asyncio.get_running_loop().call_soon(self.reception.reply, replies)

    def ask(self, caller: Caller, verb: str, **arguments: Any) -> Mapping[str, Any]:
        async def asked() -> Mapping[str, Any]:
            return await asyncio.wait_for(self.reception.ask(verb, caller, arguments), 10)

        return asyncio.run(asked())


_NOTED = ('INSERT INTO "history"', 'INSERT INTO "refusal"')
OF_TASKS = {"cancel", "retry", "finish", "rate", "priority", "purge"}


def dump(shop: Workshop) -> list[str]:
    """All that stands on the board but the history, and who was refused."""
    return [line for line in shop.board.connection.iterdump() if not line.startswith(_NOTED)]


def kind_of(reply: Mapping[str, Any]) -> str:
    return reply.get("error", {}).get("kind", "ok")


def lines(shop: Workshop, event: str) -> list[tuple[str, str, str]]:
    rows = shop.board.connection.execute("SELECT actor, source, reason FROM history WHERE event = ?", (event,))
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("verb", [verb for verb in through(Entrance.SOCKET) if verb not in OF_THE_HOUSE])
@pytest.mark.parametrize("role", ALL_ROLES)
def test_who_has_no_part_in_a_verb_is_refused_and_nothing_changes(shop: Workshop, verb: str, role: Role) -> None:
    before = dump(shop)
    door = Door(shop)
    reply = door.ask(a_caller(role), verb, id="none", ids=["hers"], level="high", rating="good", scope="month")
    refused = outcome(Entrance.SOCKET, verb, role) is Outcome.REFUSED
    assert (kind_of(reply) == "not_allowed") is refused, reply
    if refused:
        assert dump(shop) == before
        assert door.reloads == 0
        assert lines(shop, "access.refused")[0][:2] == ("kim", "socket")


@pytest.mark.parametrize("role", ALL_ROLES)
def test_what_the_socket_does_not_carry_is_a_mistake_and_nothing_changes(shop: Workshop, role: Role) -> None:
    before, door = dump(shop), Door(shop)
    for verb in not_through(Entrance.SOCKET):
        assert kind_of(door.ask(a_caller(role), verb, id="hers", ids=["hers"])) == "usage", verb
    assert dump(shop) == before


@pytest.mark.parametrize("verb", sorted(OF_TASKS))
@pytest.mark.parametrize("role", ALL_ROLES)
def test_ones_own_tasks_are_reached_and_anothers_only_by_who_reaches_all(shop: Workshop, verb: str, role: Role) -> None:
    door = Door(shop)
    for task, owner in (("hers", LEE), ("his", KIM)):
        reply = door.ask(a_caller(role), verb, ids=[task], level="low", rating="good")
        scope = scope_of(verb, role)
        if scope is Scope.NONE:
            assert kind_of(reply) == "not_allowed"
            continue
        (result,) = reply["ok"]["results"]
        unknown = result.get("kind") == "unknown_task"
        assert unknown is (scope is Scope.OWN and owner != KIM), (task, result)


@pytest.mark.parametrize("role", ALL_ROLES)
def test_a_viewer_and_an_operator_see_all_and_a_submitter_his_own(shop: Workshop, role: Role) -> None:
    door = Door(shop)
    seen = door.ask(a_caller(role), "standing", ids=["his", "hers"])["ok"]["tasks"]
    assert set(seen) == ({"his"} if role is Role.SUBMITTER else {"his", "hers"})


def test_a_viewer_sees_no_word_of_a_task_that_is_or_may_be_confidential(shop: Workshop) -> None:
    shop.drop(a_new_task("secret", owner=LEE, title="Project Aurora", session="aurora"))
    with shop.board.transaction():
        shop.board.connection.execute("UPDATE task SET sensitivity = 'confidential' WHERE id = 'secret'")
    door = Door(shop)
    told = str(door.ask(a_caller(Role.VIEWER), "show", id="secret"))
    assert "urora" not in told
    assert "secret" in told
    assert "Aurora" in str(door.ask(a_caller(Role.OPERATOR), "show", id="secret"))


@pytest.mark.parametrize("verb", sorted({"token_used", "refused"}))
def test_a_guardian_by_the_settings_is_not_taken_for_the_window(shop: Workshop, verb: str) -> None:
    arguments = {"token": "0123456789", "from": "api 10.0.0.7"}
    assert kind_of(Door(shop).ask(a_caller(Role.GUARDIAN), verb, **arguments)) == "not_allowed"
    assert kind_of(Door(shop).ask(a_caller(Role.GUARDIAN, house=True), verb, **arguments)) == "ok"


def test_a_forged_word_on_whom_one_speaks_for_is_refused_and_noted(shop: Workshop) -> None:
    root = {"actor": "root", "uid": 0, "role": "guardian", "source": "socket"}
    reply = Door(shop).ask(a_caller(Role.GUARDIAN), "budget_add", account="month", amount=1, **{"for": root})
    assert kind_of(reply) == "not_allowed"
    assert lines(shop, "access.refused") == [("kim", "socket", "may not speak for others")]
    assert lines(shop, "budget.add") == []


def test_what_the_window_asks_for_another_is_done_as_he_may_and_stands_in_the_history_as_his(shop: Workshop) -> None:
    window, door = a_caller(Role.GUARDIAN, uid=990, house=True), Door(shop)
    ci = {"actor": "token:ci", "uid": KIM, "role": "submitter", "source": "api 10.0.0.7"}
    assert kind_of(door.ask(window, "pause", **{"for": ci})) == "not_allowed"
    assert door.ask(window, "cancel", ids=["hers"], **{"for": ci})["ok"]["results"][0]["kind"] == "unknown_task"
    assert door.ask(window, "priority", ids=["his"], level="low", **{"for": ci})["ok"]["results"][0]["ok"]
    assert lines(shop, "task.prioritized") == [("token:ci", "api 10.0.0.7", "5 → 3 by token:ci")]


def test_a_reading_of_the_settings_stands_in_the_history(shop: Workshop) -> None:
    assert kind_of(Door(shop).ask(a_caller(Role.OPERATOR), "reload")) == "ok"
    assert lines(shop, "settings.read") == [("kim", "socket", "taken")]


def test_each_change_leaves_a_line_with_who_and_from_where(shop: Workshop) -> None:
    guardian = a_caller(Role.GUARDIAN)
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("pause", "system.paused", {}),
        ("resume", "system.resumed", {}),
        ("budget_set", "budget.set", {"scope": "month", "amount": 10**9, "reason": "x"}),
        ("budget_add", "budget.add", {"account": "month", "amount": 1}),
        ("budget_reset", "budget.reset", {"scope": "month", "reason": "x"}),
        ("latch", "emergency.stop", {"reason": "drill"}),
        ("resume_budget", "emergency.resumed", {"reason": "over"}),
        ("priority", "task.prioritized", {"ids": ["hers"], "level": "low"}),
        ("cancel", "task.cancel_asked", {"ids": ["hers"]}),
        ("retry", "task.retried", {"ids": ["hers"]}),
        ("cancel", "task.cancel_asked", {"ids": ["hers"]}),
        ("gc", "retention.asked", {"older": 0}),
        ("token_add", "token.added", {"name": "ci", "role": "viewer", "id": "0" * 10, "digest": "0" * 64}),
        ("token_rm", "token.revoked", {"token": "ci"}),
    ]
    shop.turn()
    for verb, event, arguments in asked:
        shop.now += 1
        reply = shop.ask_as(guardian, verb, **arguments)
        assert kind_of(reply) == "ok", (verb, reply)
        assert all(result["ok"] for result in reply["ok"].get("results", ())), (verb, reply)
        shop.file()
        found = lines(shop, event)
        assert found, verb
        assert ("kim", "socket") in {line[:2] for line in found}, (verb, found)


# The folder


def drop(shop: Workshop, owner: int = KIM, groups: tuple[int, ...] = (), **changes: Any) -> str | None:
    """The class with which a file was rejected; None where it was taken."""
    name = changes.pop("name", "a-task")
    shop.turn(replace(an_arrival(a_new_task(name, owner=owner, **changes)), groups=groups, actor="kim"))
    rejected = [deed for deed in shop.deeds if isinstance(deed, RejectClaim)]
    return rejected[0].error["class"] if rejected else None


@pytest.mark.parametrize("role", ALL_ROLES)
def test_a_viewer_gives_no_work_and_all_others_do(role: Role) -> None:
    shop = Workshop(benches=(), access=Access(user_roles={KIM: role}))
    refused = drop(shop)
    assert (refused == "not_allowed") is (role is Role.VIEWER)
    assert (shop.board.tasks.get("a-task") is None) is (role is Role.VIEWER)
    if role is not Role.VIEWER:
        assert lines(shop, "task.enqueued") == [("kim", "folder", "from a-task.yaml")]
    else:
        assert lines(shop, "access.refused") == [("kim", "folder", "may not submit a task")]


BOUND = Bounds(tiers=("local",), executors=("chat",), priority=5, budget=TaskBudget(cost=10**9, tokens=1_000))


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({"tier": "high"}, True),
        ({"tier": "Local"}, True),
        ({"tier": "local"}, False),
        ({"executor": "codex"}, True),
        ({"executor": "chat"}, False),
        ({"priority": 6}, True),
        ({"priority": 5}, False),
        ({"budget": TaskBudget(cost=10**9 + 1)}, True),
        ({"budget": TaskBudget(cost=10**9)}, False),
        ({"budget": TaskBudget(tokens=1_001)}, True),
        ({"budget": TaskBudget(calls=10**6)}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("how", ["user", "group", "others"])
def test_a_file_that_asks_for_more_than_its_owner_may_is_rejected(
    asked: dict[str, Any], refused: bool, how: str
) -> None:
    access = {
        "user": Access(user_bounds={KIM: BOUND}, group_bounds={5: Bounds()}),
        "group": Access(group_bounds={5: BOUND, 6: Bounds()}),
        "others": Access(other_bounds=BOUND, user_bounds={LEE: Bounds()}),
    }[how]
    assert drop(Workshop(benches=(), access=access), groups=(5, 6), **asked) == ("not_allowed" if refused else None)


def test_a_file_with_one_document_too_bold_is_rejected_as_a_whole() -> None:
    shop = Workshop(benches=(), access=Access(other_bounds=BOUND))
    shop.turn(an_arrival(a_new_task("one", owner=KIM), a_new_task("two", owner=KIM, tier="high")))
    assert shop.board.tasks.get("one") is None
    assert lines(shop, "task.enqueued") == []


def test_who_says_nothing_gets_his_bounds_and_never_more_than_the_settings_give() -> None:
    shop = Workshop(access=Access(other_bounds=replace(BOUND, priority=3, tiers=None, executors=None)))
    drop(shop)
    assert shop.task().priority == 3
    account = shop.board.ledger.account("task:a-task", "tokens")
    assert account is not None
    assert account.limit == 1_000
    budget = a_budget(task=Limits(usd=10**9, tokens=50_000))
    dearer = Workshop(budget=budget, access=Access(other_bounds=Bounds(budget=TaskBudget(cost=10**15, tokens=10**12))))
    drop(dearer)
    plain = Workshop(budget=budget)
    drop(plain)
    for dimension in ("usd", "tokens"):
        found = [each.board.ledger.account("task:a-task", dimension) for each in (dearer, plain)]
        assert found[0] == found[1]


def test_a_bound_task_is_served_within_its_bounds_whatever_its_difficulty() -> None:
    shop = Workshop(access=Access(other_bounds=Bounds(tiers=("local",))))
    drop(shop, difficulty="high")
    assert shop.task().tier == "local"
    nowhere = Workshop(access=Access(other_bounds=Bounds(tiers=())))
    drop(nowhere)
    assert nowhere.task().park is not None
    assert "may not use" in nowhere.task().park.detail  # type: ignore[union-attr]


def test_a_bound_stays_when_the_settings_are_taken_anew() -> None:
    shop = Workshop(benches=(), access=Access(other_bounds=Bounds(tiers=("local",))))
    drop(shop)
    shop.access = Access()
    shop.ask("retry", ids=["a-task"])
    assert shop.task().tier == "local"
    assert shop.task().bounds.tiers == ("local",)


def test_nobody_lifts_himself_above_his_priority_and_an_operator_may() -> None:
    shop = Workshop(benches=(), access=Access(other_bounds=Bounds(priority=5)))
    drop(shop)
    reply = shop.ask("priority", operator=False, uid=KIM, ids=["a-task"], level="high")
    assert reply["ok"]["results"][0]["kind"] == "not_allowed"
    assert shop.task().priority == 5
    assert shop.ask("priority", ids=["a-task"], level="high")["ok"]["results"][0]["ok"]


def test_root_is_bound_as_all_others_are_and_is_a_guardian_whatever_the_settings_say() -> None:
    shop = Workshop(benches=(), access=Access(user_roles={0: Role.VIEWER}, other_bounds=BOUND))
    assert drop(shop, owner=0) is None
    assert drop(shop, owner=0, name="b", tier="high") == "not_allowed"


# Alarms


def notices(shop: Workshop, kind: str) -> list[str]:
    rows = shop.board.connection.execute("SELECT facts FROM notice WHERE kind = ?", (kind,))
    return [row[0] for row in rows]


def refuse(shop: Workshop, times: int, uid: int = KIM) -> None:
    caller = Caller(actor=f"user{uid}", role=Role.SUBMITTER, uid=uid, source="socket")
    for _ in range(times):
        shop.ask_as(caller, "pause")


def test_who_is_refused_again_and_again_is_told_of_once_a_day() -> None:
    shop = Workshop(benches=())
    refuse(shop, MOST_REFUSED - 1)
    assert lines(shop, "access.alarm") == []
    refuse(shop, 5 * MOST_REFUSED)
    assert len(lines(shop, "access.alarm")) == 1
    assert len(lines(shop, "access.refused")) == 1
    shop.now += WITHIN
    refuse(shop, 2 * MOST_REFUSED)
    assert len(lines(shop, "access.alarm")) == 1
    assert lines(shop, "access.refused")[-1][2].endswith(f"; {6 * MOST_REFUSED - 2} more before")
    shop.now += 86_400_000
    refuse(shop, 2 * MOST_REFUSED)
    assert len(lines(shop, "access.alarm")) == 2


def test_refusals_of_several_people_do_not_add_up() -> None:
    shop = Workshop(benches=())
    for uid in range(MOST_REFUSED):
        refuse(shop, MOST_REFUSED - 1, uid=uid)
    assert lines(shop, "access.alarm") == []


def test_what_is_asked_as_nobody_is_counted_by_where_it_comes_from() -> None:
    shop = Workshop(benches=())
    window = a_caller(Role.GUARDIAN, house=True)
    for _ in range(MOST_REFUSED):
        shop.ask_as(window, "refused", **{"from": "api 10.0.0.7"})
    shop.ask_as(window, "refused", **{"from": "api 10.0.0.8"})
    (alarm,) = lines(shop, "access.alarm")
    assert alarm[:2] == ("nobody", "api 10.0.0.7")
