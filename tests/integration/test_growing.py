"""An answer as it grows, where the server does not stop talking."""

from __future__ import annotations

from pathlib import Path

import pytest

from koubou.worker import growing
from koubou.worker.growing import AnswerTooLong, GrowingAnswer


def test_an_answer_without_end_is_cut_off_and_what_came_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "LONGEST", 10)
    answer = GrowingAnswer(str(tmp_path), "a mark")
    answer.write("12345")
    answer.write("67890")
    with pytest.raises(AnswerTooLong):
        answer.write("1")
    answer.close()
    assert answer.text == "1234567890"
