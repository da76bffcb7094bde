"""A close look at a request before it goes on the board: what is secret in it, how hard it is, how large it is."""

from __future__ import annotations

from collections.abc import Sequence

from koubou.model.decision import Hit
from koubou.model.task import Examination, TaskRequest
from koubou.rules.classify import find, texts_of
from koubou.rules.difficulty import weigh
from koubou.rules.request_body import conversation, conversation_bytes
from koubou.rules.task_type import find_type


def examine(request: TaskRequest, hits: Sequence[Hit]) -> Examination:
    """Look at everything the request carries. `hits` are what a detector saw in `texts_of(request)`."""
    task_type, type_reason = find_type(request)
    score, factors = weigh(request, task_type)
    messages = conversation(request, inputs={})
    return Examination(
        findings=find(texts_of(request), hits),
        score=score,
        factors=factors,
        type=task_type,
        type_reason=type_reason,
        input_bytes=conversation_bytes(messages, request.response_format),
        message_count=len(messages),
    )
