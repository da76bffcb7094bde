"""Whatever somebody writes: the classifier answers, soon, and never lowers what is known."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koubou.model.decision import Finding
from koubou.model.task import Message, Sensitivity, TaskRequest
from koubou.rules.classify import find, raise_to, sensitivity, texts_of
from koubou.rules.examine import examine
from koubou.rules.guardrails import names_of

PIECES = [
    *[
        "password=",
        "token:",
        "secret_key_",
        "api_key",
        "-----BEGIN_PRIVATE_KEY-----",
        "kind:",
        "data:",
        "://a:",
        "@",
        "<password>",
        "</",
        "eyJ",
    ],
    *[
        "eyJaaaaaaaaaa.",
        '"',
        "'",
        "`",
        "${",
        "{{",
        "}}",
        "passport",
        "ssn",
        "4111",
        "1-",
        "2.",
        "A1",
        "SG.",
        "_a1B2",
        "-",
        "0x",
        "==",
        "x-api-key:",
        "--user=a:",
        "basic",
    ],
    *[
        "bearer",
        "confidential",
        "internal",
        "_key=",
        "akia",
        "\\",
        "xoxb-",
        "iban:",
        "DE75",
        "\n",
        "\x00",
        "機密",
        "パスワードは",
        "＝",
        "İ",
        "٣",
        "😀",
    ],
]
levels = st.sampled_from(Sensitivity)
findings = st.builds(
    Finding,
    category=st.just("c"),
    where=st.just("prompt"),
    rule=st.just("r"),
    line=st.integers(1, 9),
    sample=st.just(""),
    level=levels.map(str),
)
texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


@given(texts, texts)
@settings(max_examples=150, deadline=None)
def test_it_never_raises_and_tells_little(first: str, second: str) -> None:
    request = TaskRequest(
        prompt=first, messages=[Message(role="user", content=second)], metadata={first: [second, None, 1.5]}
    )
    seen = examine(request)
    wheres = {where for where, _ in (*texts_of(request), *names_of(request))}
    for finding in seen.findings:
        assert len(finding.sample) <= 2
        assert finding.where in wheres
        assert finding.line >= 1


@given(st.lists(findings, max_size=4), st.lists(findings, max_size=4), st.one_of(st.none(), levels))
def test_more_findings_never_lower_the_level(
    some: list[Finding], more: list[Finding], asked: Sensitivity | None
) -> None:
    before, _ = sensitivity(some, asked)
    after, _ = sensitivity([*some, *more], asked)
    assert after.rank >= before.rank >= (asked.rank if asked else 0)


@given(st.one_of(st.none(), levels), levels)
def test_a_level_only_rises(current: Sensitivity | None, found: Sensitivity) -> None:
    risen = raise_to(current, found)
    assert risen.rank >= found.rank
    assert current is None or risen.rank >= current.rank


@given(texts)
@settings(max_examples=50, deadline=None)
def test_a_secret_is_seen_whatever_stands_around_it(around: str) -> None:
    text = f"{around}\n\npassword = 'Kingyo#42sukui'\n\n{around}"
    if len(find([("prompt", around)], ())) < 20:
        assert sensitivity(find([("prompt", text)], ()), Sensitivity.PUBLIC)[0] is Sensitivity.CONFIDENTIAL


@pytest.mark.parametrize(
    "piece",
    [
        *PIECES,
        "password=token:",
        "A1_key=://a:://a:",
        "1 ",
        "a_",
        "curl -u a:",
        "design a ",
        "社内\n",
        "For internal use only. ",
    ],
)
def test_the_time_is_bounded_on_texts_made_to_hurt(piece: str) -> None:
    """A pattern that backtracks without bound takes minutes for 20 kB; the worst measured is 10 ms a kilobyte."""
    text = (piece * 20_000)[:20_000]
    began = time.process_time()
    examine(TaskRequest(prompt=text))
    assert time.process_time() - began < 2
