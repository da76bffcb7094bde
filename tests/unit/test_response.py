"""An answer of the Responses API as it comes together: what is believed of its end and of its usage."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.call import Bill, ErrorClass, Usage
from koubou.providers.answer import Answer
from koubou.providers.response import Response

USED = {"input_tokens": 100, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 40}}
USAGE = Usage(input_tokens=100, output_tokens=20, cached_input_tokens=40)
CREATED = {"type": "response.created", "response": {"model": "gpt-5-2", "status": "in_progress", "usage": None}}
FILTERED = {"reason": "content_filter"}
HELLO = {"type": "response.output_text.delta", "delta": "Hello"}


class Text:
    """A listener that only remembers."""

    said = ""

    def write(self, text: str) -> None:
        self.said += text


def end(status: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": {"model": "gpt-5-2", "status": status, "usage": USED, **more}}


def after(*events: object) -> tuple[Answer, str, bool]:
    text = Text()
    response = Response(text)
    for event in events:
        response.take(event)
    return response.ending(), text.said, response.finished


def test_an_answer_that_was_completed_is_billed_by_its_usage() -> None:
    answer, said, finished = after(CREATED, HELLO, None, "odd", end("completed"))
    assert (said, finished) == ("Hello", True)
    assert (answer.bill, answer.usage, answer.error) == (Bill.REPORTED, USAGE, None)
    assert (answer.finish_reason, answer.model) == ("stop", "gpt-5-2")


def test_a_whole_answer_says_the_same() -> None:
    part = {"type": "output_text", "text": "Hello"}
    output = [{"type": "reasoning"}, {"type": "message", "content": [part]}]
    whole = {"object": "response", "status": "completed", "model": "gpt-5-2", "usage": USED, "output": output}
    assert after(whole)[:2] == after(CREATED, HELLO, end("completed"))[:2]


@pytest.mark.parametrize(("events", "kind", "bill", "reason"), [
    ((), ErrorClass.CUT, Bill.UNKNOWN, None),
    ((CREATED, HELLO), ErrorClass.CUT, Bill.UNKNOWN, None),
    (({"object": "response", "status": "queued", "usage": USED},), ErrorClass.CUT, Bill.UNKNOWN, None),
    ((HELLO, end("incomplete", incomplete_details={"reason": "max_output_tokens"})), None, Bill.REPORTED, "length"),
    ((end("incomplete", incomplete_details=FILTERED),), ErrorClass.POLICY, Bill.REPORTED, "content_filter"),
    ((end("failed", error={"code": "server_error", "message": "x"}),), ErrorClass.SERVER, Bill.REPORTED, "failed"),
    ((end("failed", error={"code": "rate_limit_exceeded"}, usage=None),), ErrorClass.RATE, Bill.UNKNOWN, "failed"),
    ((HELLO, {"type": "error", "code": "server_error", "message": "x"}), ErrorClass.SERVER, Bill.UNKNOWN, None),
    ((HELLO, {"error": {"code": "context_length_exceeded"}}), ErrorClass.CONTEXT, Bill.UNKNOWN, None),
    (({"type": "response.refusal.delta", "delta": "No"}, end("completed")), ErrorClass.POLICY, Bill.REPORTED, "stop"),
    ((HELLO, end("completed", usage=None)), None, Bill.UNKNOWN, "stop"),
    ((HELLO, end("completed", usage={"input_tokens": 0, "output_tokens": 5})), None, Bill.UNKNOWN, "stop"),
    ((HELLO, end("completed", usage={"input_tokens": 9, "output_tokens": 0})), None, Bill.UNKNOWN, "stop"),
    ((end("completed", usage={"input_tokens": 9, "output_tokens": 0}),), None, Bill.REPORTED, "stop"),
])  # fmt: skip
def test_what_is_believed_of_an_end(
    events: tuple[object, ...], kind: ErrorClass | None, bill: Bill, reason: str | None
) -> None:
    answer, _, _ = after(*events)
    assert (answer.error and answer.error.kind, answer.bill, answer.finish_reason) == (kind, bill, reason)
