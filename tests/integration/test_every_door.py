"""Every verb, every role, every door: which door carries what, and that the folder carries nothing but work."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from inspect import getclosurevars
from pathlib import Path
from typing import Any

import pytest
from builders import a_new_task
from doors import BY_THE_BOARD_ALONE, CARRIES, Door, Outcome, not_through, outcome
from fastapi.routing import APIRoute
from intake import a_layout, claimed, claims, put
from turns import Workshop

from koubou.errors import TaskFileError
from koubou.folders.layout import Layout
from koubou.folders.read import read_claim
from koubou.folders.reject import reject
from koubou.folders.requests import ReadLimits
from koubou.hands.examining import new_tasks
from koubou.master.reception import AT_ONCE
from koubou.model.access import Access, Role
from koubou.model.deed import RejectClaim
from koubou.model.heard import Arrived
from koubou.rules.access import OF_THE_HOUSE, VERBS, scope_of
from koubou.steps.answer import VERBS as ANSWERED
from koubou.window import app
from koubou.wire.hand_messages import IntakeOrders

HIS = "his"
OWN_UID = os.getuid()
"""Whose the files are that a test drops."""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


def test_every_verb_has_a_door() -> None:
    assert {verb for verbs in CARRIES.values() for verb in verbs} == VERBS.keys() - BY_THE_BOARD_ALONE


def test_the_socket_carries_what_the_master_answers() -> None:
    assert CARRIES[Door.SOCKET] == {*ANSWERED, *AT_ONCE, "speak"}


def test_the_api_carries_what_its_routes_ask_for() -> None:
    everybody_s = {"me", "read", "read_confidential"}  # who asks; and what of a task that is shown may be read
    assert CARRIES[Door.API] == {*_verbs_of_routes(), *everybody_s}


def _verbs_of_routes() -> Iterator[str]:
    for router in app._ROUTERS:
        for route in router.routes:
            for dependency in route.dependant.dependencies if isinstance(route, APIRoute) else ():
                if dependency.call is not None and dependency.call.__qualname__.startswith("may."):
                    yield getclosurevars(dependency.call).nonlocals["verb"]


def test_what_no_role_may_do_is_refused_at_every_door_that_carries_it() -> None:
    for door, verbs in CARRIES.items():
        for verb in verbs - OF_THE_HOUSE:
            for role in Role:
                assert outcome(door, verb, role).value.replace("refused", "none") == scope_of(verb, role), (door, verb)


# The folder


def attempts(verb: str) -> dict[str, str]:
    """Files that try to say a verb of the task HIS: in the socket's words, in those of the API, as a key, by a name."""
    socket = json.dumps({"verb": verb, "ids": [HIS], "id": HIS, "level": "high", "for": {"uid": 0, "role": "guardian"}})
    return {
        "socket.json": socket,
        "socket.yaml": socket,
        "with-a-prompt.yaml": f"prompt: x\nverb: {verb}\nids: [{HIS}]\n",
        "path.yaml": f"POST /api/v1/tasks/{HIS}/{verb}\n",
        "key.yaml": f"prompt: x\n{verb}: [{HIS}]\n",
        "list.json": json.dumps([{verb: HIS}]),
        "tail.yaml": f"prompt: x\n---\n{verb}: {HIS}\n",
        f"{verb}.yaml": f"{HIS}\n",
        f"{HIS}.{verb}.json": "{}",
        "role.yaml": f"prompt: x\nrole: guardian\nactor: root\nowner: 0\n{verb}: true\n",
    }


@pytest.mark.parametrize("verb", not_through(Door.FOLDER))
def test_a_file_that_says_another_verb_is_rejected_with_its_reason(layout: Layout, verb: str) -> None:
    for name, content in attempts(verb).items():
        claim = claimed(layout, name, content)
        with pytest.raises(TaskFileError) as caught:
            read_claim(layout, claim, ReadLimits())
        reject(layout, claim, caught.value.as_json())
        reason = json.loads(Path(layout.rejected, f"{name}.error.json").read_text())
        assert reason["error"]["class"] == "schema", (name, reason)
        assert reason["error"]["message"]


@pytest.mark.parametrize("verb", not_through(Door.FOLDER))
def test_a_file_whose_name_alone_says_a_verb_is_not_taken(layout: Layout, verb: str) -> None:
    for name in (verb, f"{HIS}.{verb}", f".{verb}.yaml", f"{verb}.yaml.tmp", f"{verb}.sock", f".claim-{verb}.yaml"):
        put(layout, name, f"verb: {verb}\nids: [{HIS}]\n")
    assert claims(layout).taken == []


class Folder:
    """A folder and its board: a file is claimed, read, examined and taken or rejected as in a workshop."""

    def __init__(self, layout: Layout, role: Role) -> None:
        self.layout = layout
        self.shop = Workshop(benches=(), access=Access(user_roles={OWN_UID: role}, house=frozenset()))
        self.shop.drop(a_new_task(HIS, owner=OWN_UID + 1, priority=5))
        if outcome(Door.FOLDER, "submit", role) is not Outcome.REFUSED:
            self.shop.drop(a_new_task("own", owner=OWN_UID, priority=5))

    def tasks(self) -> list[tuple[Any, ...]]:
        """All that stands on the board of each task, its id first."""
        return [tuple(row) for row in self.shop.board.connection.execute("SELECT id, * FROM task ORDER BY id")]

    def drop(self, name: str, content: str) -> dict[str, Any] | None:
        """The reason in rejected/; None where the file was taken."""
        claim = claimed(self.layout, name, content)
        drop = read_claim(self.layout, claim, ReadLimits())
        tasks = new_tasks(drop, _orders(self.layout), lambda _: [])
        self.shop.turn(Arrived(claim=claim.ulid, name=claim.shown, tasks=tasks, actor="kim"))
        for deed in self.shop.deeds:
            if isinstance(deed, RejectClaim):
                reject(self.layout, claim, deed.error)
                reason = json.loads(Path(self.layout.rejected, f"{name}.error.json").read_text())
                return dict(reason["error"])
        return None


def _orders(layout: Layout) -> IntakeOrders:
    return IntakeOrders(
        home=layout.home, settle=0, max_file=1, max_attached=1, min_free_disk=0, roots=(), tiers=(), rule_cache=""
    )


@pytest.mark.parametrize("role", Role)
def test_work_is_given_by_the_folder_as_the_table_says(layout: Layout, role: Role) -> None:
    folder = Folder(layout, role)
    refused = folder.drop("new.yaml", "id: new\nprompt: x\n")
    if outcome(Door.FOLDER, "submit", role) is Outcome.REFUSED:
        assert refused is not None
        assert (refused["class"], folder.shop.board.tasks.get("new")) == ("not_allowed", None)
    else:
        assert refused is None
        assert folder.shop.task("new").owner == OWN_UID


AGAIN = {
    "priority": "priority: urgent",
    "release": "sensitivity: public",
    "budget_add": "budget: {cost_usd: 900}",
    "retry": "retries: 9",
    "cancel": 'expires_at: "2020-01-01T00:00:00Z"',
}
"""What comes nearest to a verb in a task file that names a task which is there."""


@pytest.mark.parametrize("role", Role)
def test_the_same_id_again_changes_no_task_ones_own_neither(layout: Layout, role: Role) -> None:
    folder = Folder(layout, role)
    before = folder.tasks()
    for verb, again in AGAIN.items():
        assert outcome(Door.FOLDER, verb, role) is Outcome.IMPOSSIBLE
        for task, *_ in before:
            refused = folder.drop(f"{task}-{verb}.yaml", f"id: {task}\nprompt: x\n{again}\n")
            assert refused is not None
            assert refused["class"] == "duplicate_id"
    assert folder.tasks() == before
