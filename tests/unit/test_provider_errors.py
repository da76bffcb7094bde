"""What a provider's error means, row by row of the table."""

from __future__ import annotations

from email.utils import format_datetime

import pytest

from koubou.model.call import Bill, ErrorClass
from koubou.model.instant import HOUR, MINUTE, instant, moment
from koubou.rules.provider_errors import bill_of, plain_error, read_error, read_retry_after

NOW = instant(moment(1_795_000_000_000))


def openai(code: str, kind: str = "invalid_request_error", message: str = "no") -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str = "no") -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, openai("rate_limit_exceeded", "tokens"), ErrorClass.RATE),
        (429, openai("slow_down"), ErrorClass.RATE),
        (429, anthropic("rate_limit_error"), ErrorClass.RATE),
        (429, {"error": {"message": "busy"}}, ErrorClass.RATE),
        (429, openai("insufficient_quota", "insufficient_quota"), ErrorClass.QUOTA),
        (429, openai("credit_balance_exhausted"), ErrorClass.QUOTA),
        (429, openai("project_monthly_spend_limit_exceeded"), ErrorClass.QUOTA),
        (429, openai("organization_usage_limit_exceeded"), ErrorClass.QUOTA),
        (400, anthropic("enforced_spend_limit_reached"), ErrorClass.QUOTA),
        (
            400,
            anthropic("invalid_request_error", "You have reached your specified API usage limits."),
            ErrorClass.QUOTA,
        ),
        (402, anthropic("billing_error"), ErrorClass.QUOTA),
        (401, openai("invalid_api_key"), ErrorClass.AUTH),
        (403, {"error": {"message": "no", "type": "forbidden"}}, ErrorClass.AUTH),
        (400, openai("unsupported_value"), ErrorClass.BAD_REQUEST),
        (404, openai("model_not_found"), ErrorClass.MODEL),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, ErrorClass.BAD_REQUEST),
        (400, openai("context_length_exceeded"), ErrorClass.CONTEXT),
        (413, anthropic("request_too_large"), ErrorClass.CONTEXT),
        (400, {"error": {"code": 400, "type": "exceed_context_size_error", "message": "long"}}, ErrorClass.CONTEXT),
        (400, {"object": "error", "message": "maximum context length is 4096", "code": 400}, ErrorClass.CONTEXT),
        (400, {"error": "loaded with context length of only 4096 tokens"}, ErrorClass.CONTEXT),
        (400, openai("content_policy_violation"), ErrorClass.POLICY),
        (500, openai("", "server_error"), ErrorClass.SERVER),
        (503, openai("", "overloaded"), ErrorClass.SERVER),
        (529, anthropic("overloaded_error"), ErrorClass.SERVER),
        (409, openai(""), ErrorClass.SERVER),
    ],
)
def test_a_complete_error_answer_of_the_provider_has_its_class_and_is_no_bill(
    status: int, body: dict[str, object], kind: ErrorClass
) -> None:
    error, bill = read_error(status, body)
    assert (error.kind, bill) == (kind, Bill.NONE)
    assert error.status == status


@pytest.mark.parametrize(
    "said",
    [
        "rate_limit_exceeded",
        "BadRequestError",
        "messages.content",
        "model_not_found",
        "gpt_5",
    ],
)
def test_a_providers_word_is_quoted(said: str) -> None:
    assert read_error(400, openai(said))[0].code == said


@pytest.mark.parametrize(
    "said",
    [
        "sk-proj-abcdefgh",
        "the prompt was secret",
        "PROJECT_HERON",
        "0123456789abcdef",
        "a1b2c3d4e5f6",
        "key_9f8e7d6c5b4a",
        "x" * 65,
        "ü",
        "",
    ],
)
def test_what_could_be_a_key_or_a_text_is_not_quoted(said: str) -> None:
    error, _ = read_error(400, openai(said, kind=said))
    assert error.code == ""
    assert said == "" or said not in error.message


@pytest.mark.parametrize("status", [502, 504, 520, 522, 524, 530])
@pytest.mark.parametrize(
    "body", [openai("server_error"), {"error": "upstream request timeout"}, anthropic("api_error")]
)
def test_a_gateways_error_is_no_evidence_however_it_is_written(status: int, body: dict[str, object]) -> None:
    error, bill = read_error(status, body)
    assert (error.kind, bill) == (ErrorClass.PROXY, Bill.UNKNOWN)


def test_a_gateway_that_quotes_the_provider_is_no_evidence_either() -> None:
    error, bill = read_error(502, openai("rate_limit_exceeded"))
    assert (error.kind, bill) == (ErrorClass.RATE, Bill.UNKNOWN)


def test_a_fault_without_a_code_is_no_evidence() -> None:
    assert read_error(500, {"error": "upstream request timeout"})[1] is Bill.UNKNOWN
    assert read_error(503, {"detail": "unavailable"})[1] is Bill.UNKNOWN


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
@pytest.mark.parametrize("body", [None, {}, {"message": "Internal server error"}])
def test_a_fault_without_the_providers_own_body_is_a_proxy_and_may_be_billed(
    status: int, body: dict[str, object] | None
) -> None:
    error, bill = read_error(status, body)
    assert (error.kind, bill) == (ErrorClass.PROXY, Bill.UNKNOWN)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_proxy(status: int) -> None:
    error, bill = read_error(status, None)
    assert (error.kind, bill) == (ErrorClass.PROXY, Bill.UNKNOWN)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429])
def test_a_refusal_that_is_not_the_providers_own_is_no_evidence_of_no_bill(status: int) -> None:
    _, bill = read_error(status, None)
    assert bill is Bill.UNKNOWN


def test_where_errors_are_billed_a_fault_of_the_provider_is_settled_at_the_hold() -> None:
    _, bill = read_error(500, openai("", "server_error"), errors_are_billed=True)
    assert bill is Bill.UNKNOWN
    _, bill = read_error(503, openai("slow_down"), errors_are_billed=True)
    assert bill is Bill.UNKNOWN
    _, bill = read_error(429, openai("rate_limit_exceeded"), errors_are_billed=True)
    assert bill is Bill.NONE


def test_an_error_inside_a_stream_may_be_billed() -> None:
    error, bill = read_error(None, openai("rate_limit_exceeded"))
    assert (error.kind, bill) == (ErrorClass.RATE, Bill.UNKNOWN)
    error, bill = read_error(200, openai("", "server_error"))
    assert (error.kind, bill) == (ErrorClass.SERVER, Bill.UNKNOWN)


def test_the_providers_sentences_are_never_passed_on() -> None:
    secret = "AKIA IOSF ODNN in your prompt"
    body = {"error": {"message": secret, "type": secret, "param": "messages.0.content", "code": "x" * 65}}
    error, _ = read_error(400, body)
    assert "AKIA" not in repr(error)
    assert "xxx" not in repr(error)
    assert error.code == "messages.0.content"


def test_the_code_of_an_error_is_the_providers_word_not_its_status() -> None:
    error, _ = read_error(400, {"error": {"code": 400, "type": "exceed_context_size_error", "message": "long"}})
    assert error.code == "exceed_context_size_error"


def test_a_phrase_in_a_fault_does_not_change_its_class() -> None:
    error, _ = read_error(500, {"error": {"message": "maximum context length"}})
    assert error.kind is ErrorClass.SERVER


def test_every_class_has_a_sentence_and_a_bill() -> None:
    for kind in ErrorClass:
        assert plain_error(kind).message
        assert bill_of(kind) in (Bill.NONE, Bill.UNKNOWN)
    assert bill_of(ErrorClass.UNREACHABLE) is Bill.NONE
    assert bill_of(ErrorClass.CUT) is Bill.UNKNOWN
    assert bill_of(ErrorClass.SERVER, errors_are_billed=True) is Bill.UNKNOWN


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20_000),
        ({"retry-after": "1.5"}, 1_500),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "20", "retry-after-ms": "250"}, 250),
        ({"retry-after": "99999999"}, HOUR),
        ({"retry-after": "inf"}, HOUR),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": format_datetime(moment(NOW + MINUTE), usegmt=True)}, MINUTE),
        ({"retry-after": format_datetime(moment(NOW - MINUTE), usegmt=True)}, 0),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:00 -0000"}, None),
        ({"retry-after": "Sat, 99 Nov 99999999 10:00:00 GMT"}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_read_and_capped(headers: dict[str, str], wait: int | None) -> None:
    assert read_retry_after(headers, NOW) == wait
