"""Lines of `calls.jsonl`: what is written is read again, and what is torn is left out."""

from __future__ import annotations

import json

from koubou.model.call import Bill, ErrorClass
from koubou.model.call_lines import CallLine, line_of, results_of
from tests.builders import a_result, an_error


def a_line(call: str, **changes: object) -> CallLine:
    result = a_result("a-task", 2, call, **changes)
    return CallLine(api="chat", streamed=True, request_bytes=9, answer_bytes=8, cost_nusd=7, result=result)


def test_what_is_written_is_read_again() -> None:
    lines = [a_line("one"), a_line("two", bill=Bill.NONE, usage=None, error=an_error(ErrorClass.RATE, retry_after=5))]
    data = b"".join(map(line_of, lines))
    assert results_of(data) == [line.result for line in lines]
    said = json.loads(data.splitlines()[0])
    assert (said["version"], said["api"], said["streamed"], said["cost_nusd"]) == (1, "chat", True, 7)
    assert "request" not in said


def test_what_is_torn_or_of_another_version_is_left_out() -> None:
    one, two = line_of(a_line("one")), line_of(a_line("two"))
    for length in range(len(two) - 1):
        assert [result.call for result in results_of(one + two[:length])] == ["one"]
    assert [result.call for result in results_of(one + two[:-1])] == ["one", "two"]
    assert results_of(one.replace(b'"version":1', b'"version":2')) == []
    assert [each.call for each in results_of(b"[]\n5\nnull\n" + two[:20] + b"\n" + one)] == ["one"]
