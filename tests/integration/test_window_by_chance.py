"""Requests by chance, made from the OpenAPI document: no 5xx, and no answer that the document does not know."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from windows import KIM, Opened, opened

from koubou.model.access import Role
from koubou.window.reference import openapi

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = openapi()
STREAMS = r"/api/v1/events"
schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path_regex=STREAMS)
WITHOUT_MASTER = {503}
"""Nobody serves this workshop: changes and readiness end so."""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    patient = "{listen: 127.0.0.1:0, requests_per_minute: 1000000}"
    with opened(tmp_path_factory.mktemp("window"), patient) as found, pytest.MonkeyPatch.context() as patch:
        # Nobody takes in what is submitted: it is answered with 202, and not after seconds.
        patch.setattr("koubou.window.submitting._CONFIRMED_WITHIN", 0.01)
        found.task("fix-login-123", KIM)
        yield found


@pytest.fixture(scope="module")
def token(window: Opened) -> str:
    return window.token(Role.GUARDIAN)


@schema.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_brings_an_answer_that_is_not_described(case: schemathesis.Case, window: Opened, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    response = case.call(base_url=f"http://127.0.0.1:{window.port}", headers=headers, timeout=20)
    if response.status_code in WITHOUT_MASTER:
        return
    case.validate_response(response, checks=CHECKS)
