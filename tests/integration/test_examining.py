"""A document is examined by the settings in force, and with what lies around the program that is to work on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from koubou.errors import TaskFileError
from koubou.folders.claim import Claim
from koubou.folders.read import Drop, ReadTask
from koubou.hands.examining import examined
from koubou.model.decision import Hit
from koubou.model.policy import Policy, Verdict
from koubou.model.task import TaskRequest
from koubou.wire.hand_messages import IntakeOrders

CLAIM = Claim(ulid="01J00000000000000000000000", file=b".claim", name=b"a.yaml")


@pytest.fixture
def orders(tmp_path: Path) -> IntakeOrders:
    return IntakeOrders(
        home=str(tmp_path),
        settle=0,
        max_file=1,
        max_attached=1,
        min_free_disk=0,
        roots=(str(tmp_path / "srv"),),
        tiers=(),
        rule_cache="",
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "srv" / "app"
    folder.mkdir(parents=True)
    (folder / ".env").write_text("DB_PASSWORD=kingyo42sukui\n")
    return folder


def blind(_texts: Sequence[tuple[str, str]]) -> list[Hit]:
    return []


def a_drop(*requests: TaskRequest) -> Drop:
    documents = [ReadTask(request=request, source="", digest="") for request in requests]
    return Drop(claim=CLAIM, owner=1000, documents=documents)


@pytest.mark.parametrize(
    ("executor", "agents", "looked"),
    [
        ("command:mend", False, True),
        ("codex", False, True),
        (None, True, True),
        (None, False, False),
        ("chat", True, False),
    ],
)
def test_who_works_in_a_workspace_is_as_secret_as_it(
    orders: IntakeOrders, workspace: Path, executor: str | None, agents: bool, looked: bool
) -> None:
    request = TaskRequest(prompt="Mend it.", executor=executor, workspace=str(workspace))
    seen = examined(a_drop(request), 1, replace(orders, agents=agents), blind)
    assert [finding.where for finding in seen.findings] == (["workspace[.env]"] if looked else [])


def test_elsewhere_nothing_is_looked_at(orders: IntakeOrders, workspace: Path) -> None:
    for place in (None, str(workspace.parent.parent)):
        assert (
            examined(a_drop(TaskRequest(prompt="x", executor="codex", workspace=place)), 1, orders, blind).findings
            == ()
        )


def test_what_the_settings_refuse_is_refused_by_its_document(orders: IntakeOrders) -> None:
    drop = a_drop(TaskRequest(prompt="Tea?"), TaskRequest(prompt="Tea?", locks=["$(id)"]))
    strict = replace(orders, policy=Policy(injection_shapes=Verdict.REFUSE))
    assert examined(drop, 1, strict, blind).findings == ()
    with pytest.raises(TaskFileError, match=r"locks\[0\] of document 2 .*shell-shape") as refused:
        examined(drop, 2, strict, blind)
    assert (refused.value.kind, refused.value.problem.key) == ("policy", "locks[0]")


def test_whose_tasks_are_always_confidential_is_asked_of_the_file(orders: IntakeOrders) -> None:
    ours = replace(orders, policy=Policy(confidential_submitters=(1000,)))
    assert [finding.rule for finding in examined(a_drop(TaskRequest(prompt="x")), 1, ours, blind).findings] == [
        "settings-submitter"
    ]
