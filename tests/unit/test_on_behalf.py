"""For whom a file was dropped: believed of the workshop's own user, and of nobody else."""

from __future__ import annotations

import pytest

from koubou.folders.names import is_task_file, kept
from koubou.folders.on_behalf import Giver, giver_of, name_for

ULID = "01M8MDQ7NQG66MNTX2557RP3KV"
HOUSE = frozenset((0, 990))
NAME = name_for(ULID, 4_001, "token:ci", "10.0.0.7", ".json").encode()


def test_the_workshops_own_user_drops_for_others() -> None:
    for owner in HOUSE:
        assert giver_of(NAME, owner, house=HOUSE) == Giver(uid=4_001, actor="token:ci", source="api 10.0.0.7")


def test_nobody_else_can_name_another_owner() -> None:
    assert giver_of(NAME, 4_002, house=HOUSE) is None


@pytest.mark.parametrize("name", [b"a.yaml", b"x~for~1~a~b.json", NAME + b"x", NAME.replace(b"4001", b"4294967295")])
def test_other_names_are_of_their_own_owner(name: bytes) -> None:
    assert giver_of(name, 0, house=HOUSE) is None


@pytest.mark.parametrize("actor", ["token:ci", "../../x", "名前", "a" * 500, "x~for~0~y"])
@pytest.mark.parametrize("address", ["10.0.0.7", "fe80::1%eth0", "unix", "", "x" * 500])
def test_whoever_asks_from_wherever_the_name_is_one_of_a_task_file(actor: str, address: str) -> None:
    name = name_for(ULID, 4_001, actor, address, ".yaml").encode()
    assert is_task_file(name)
    assert kept(name) == name
    assert b"/" not in name
    found = giver_of(name, 0, house=HOUSE)
    assert found is not None
    assert found.uid == 4_001
