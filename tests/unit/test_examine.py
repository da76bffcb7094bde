"""What an examination holds: findings, score, type, and the size that bounds the price."""

from __future__ import annotations

import json

from koubou.model.decision import Hit
from koubou.model.task import Attachment, Message, TaskRequest
from koubou.rules.examine import examine
from koubou.rules.request_body import conversation


def test_the_size_is_that_of_the_conversation_as_it_travels() -> None:
    request = TaskRequest(
        prompt="お茶?",
        system="Be brief.",
        attachments=[Attachment(name="a.txt", content="é")],
        response_format={"type": "object"},
    )
    seen = examine(request)
    sent = json.dumps(conversation(request, {}), ensure_ascii=False, separators=(",", ":")).encode()
    schema = b'{"type":"object"}'
    assert seen.input_bytes == len(sent) + len(schema)
    assert seen.message_count == 2


def test_every_message_is_counted() -> None:
    messages = [
        Message(role="user", content="a"),
        Message(role="assistant", content="b"),
        Message(role="user", content="c"),
    ]
    assert examine(TaskRequest(messages=messages, system="s")).message_count == 4


def test_own_rules_and_the_detector_are_both_heard() -> None:
    hit = Hit(rule="zq", category="vendor_token", where="prompt", line=1, start=0, end=4, sample="zq")
    request = TaskRequest(prompt="zq-1 and password = 'Kingyo#42sukui'")
    seen = examine(request, lambda _texts: [hit], thorough=True)
    assert {finding.rule for finding in seen.findings} == {"zq", "password-beside-name"}


def test_a_detector_is_asked_only_where_our_own_rules_find_no_secret() -> None:
    hit = Hit(rule="zq", category="vendor_token", where="prompt", line=1, start=0, end=4, sample="zq")
    found = [examine(TaskRequest(prompt=text), lambda _texts: [hit]) for text in ("zq-1", "password = 'Kingyo#42'")]
    assert [[finding.rule for finding in seen.findings] for seen in found] == [["zq"], ["password-beside-name"]]


def test_type_and_score_go_together() -> None:
    seen = examine(TaskRequest(prompt="Write unit tests for parser.py"))
    assert seen.type == "testing"
    assert seen.factors[0].reason.endswith("testing")
    assert 0 <= seen.score <= 10
