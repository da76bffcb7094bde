"""A worker looks at its answer before it tells of it; whatever goes wrong with that, the answer is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from crew import Crew, a_tier

from koubou.model.policy import OPEN, Flag
from koubou.worker import run

PASSWORD = Flag(category="password", rule="password-beside-name", line=2)


@pytest.mark.parametrize("size", [0, 100_000])
def test_what_is_secret_in_an_answer_stands_in_its_record(tmp_path: Path, size: int) -> None:
    answer = f"Here:\npassword = 'Kingyo#42sukui'\n{'. ' * (size // 2)}"
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"answer": answer}]))
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=str(script)))
        record = crew.finish()
    assert record.answer == answer
    assert record.result.findings == (PASSWORD,)


def test_an_answer_that_cannot_be_looked_at_is_flagged_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(run, "examine_answer", broken)
    assert run._flags("four", OPEN) == (Flag(category="unexamined", rule="RecursionError", line=1),)
