"""For whom the window may speak, and who may not speak for anybody."""

from typing import Any

import pytest

from koubou.errors import NotAllowed, UsageMistake
from koubou.master.callers import speaker, speaking_for
from koubou.model.access import Caller, Role

WINDOW = Caller(actor="koubou", role=Role.GUARDIAN, uid=990, source="socket", house=True)
GUARDIAN = Caller(actor="kim", role=Role.GUARDIAN, uid=1001, source="socket")
FOR = {"actor": "token:ci", "uid": 1002, "role": "viewer", "source": "api 10.0.0.7"}


def test_the_window_speaks_for_others_and_has_no_part_in_what_they_may() -> None:
    caller, rest = speaker(WINDOW, {"ids": ["a"], "for": FOR})
    assert caller == Caller(actor="token:ci", role=Role.VIEWER, uid=1002, source="api 10.0.0.7", house=False)
    assert rest == {"ids": ["a"]}


def test_who_says_nothing_speaks_for_himself() -> None:
    assert speaker(GUARDIAN, {"ids": []}) == (GUARDIAN, {"ids": []})


@pytest.mark.parametrize("asked", [FOR, FOR | {"uid": 1001}, {}, None, "root"])
def test_nobody_else_speaks_for_anybody_not_even_for_himself(asked: Any) -> None:
    with pytest.raises(NotAllowed):
        speaker(GUARDIAN, {"for": asked})


@pytest.mark.parametrize(
    "change",
    [
        *({"uid": True}, {"uid": -1}, {"uid": 2**32 - 1}, {"uid": 2**70}, {"uid": "0"}, {"uid": 1.0}, {"uid": None}),
        *({"role": "root"}, {"role": "Guardian"}, {"role": ["guardian"]}, {"role": "guardi\u0430n"}),
        *({"actor": ""}, {"actor": " "}, {"actor": "a\nb"}, {"actor": "a\u202eb"}, {"actor": "a" * 101}),
        *({"source": "api\x1b[2J"}, {"source": 1}, {"house": True}),
    ],
)
def test_what_is_nobody_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageMistake):
        speaking_for(WINDOW, FOR | change)


@pytest.mark.parametrize("asked", [None, [], "x", {}, {"actor": "a"}])
def test_who_speaks_for_nobody_in_particular_is_not_taken_for_himself(asked: Any) -> None:
    with pytest.raises(UsageMistake):
        speaker(WINDOW, {"for": asked})
