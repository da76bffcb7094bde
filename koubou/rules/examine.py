"""A close look at a request before it goes on the board: what is secret in it, how hard it is, how large it is."""

from __future__ import annotations

from collections.abc import Sequence

from koubou.model.decision import Finding
from koubou.model.policy import OPEN, Flag, Policy
from koubou.model.task import Examination, TaskRequest
from koubou.rules.classify import Detect, detected, look, texts_of
from koubou.rules.difficulty import weigh
from koubou.rules.guardrails import BANNED, names_of, shapes
from koubou.rules.request_body import conversation, conversation_bytes
from koubou.rules.secrets import own_words
from koubou.rules.task_type import find_type

_ANSWER = "answer"


def examine(
    request: TaskRequest,
    detect: Detect | None = None,
    policy: Policy = OPEN,
    *,
    owner: int | None = None,
    around: Sequence[tuple[str, str]] = (),
    thorough: bool = False,
) -> Examination:
    """Look at everything the request carries, and at what lies `around` it: named texts of its workspace.

    `owner` is the uid that dropped it. A detector is asked where our own rules find nothing, or if `thorough`.
    """
    task_type, type_reason = find_type(request)
    score, factors = weigh(request, task_type)
    messages = conversation(request, inputs={})
    return Examination(
        findings=_findings(request, detect, policy, owner, around, thorough),
        score=score,
        factors=factors,
        type=task_type,
        type_reason=type_reason,
        input_bytes=conversation_bytes(messages, request.response_format),
        message_count=len(messages),
    )


def examine_answer(text: str, policy: Policy = OPEN) -> tuple[Flag, ...]:
    """What of an answer is to be flagged by our own rules: secrets, and words that the settings ban.

    A model that speaks of marks or of instructions is no concern; which words the settings keep in the house is.
    """
    return _flags(look([(_ANSWER, text)], None, policy))


def detected_in_answer(text: str, detect: Detect) -> tuple[Flag, ...]:
    """What a detector sees in an answer in which our own rules saw nothing."""
    return _flags(detected([(_ANSWER, text)], detect))


def _flags(findings: Sequence[Finding]) -> tuple[Flag, ...]:
    return tuple(
        Flag(category=finding.category, rule=finding.rule, line=finding.line)
        for finding in findings
        if finding.category == BANNED or (finding.level == "confidential" and finding.category != "marker")
    )


def _findings(
    request: TaskRequest,
    detect: Detect | None,
    policy: Policy,
    owner: int | None,
    around: Sequence[tuple[str, str]],
    thorough: bool,
) -> tuple[Finding, ...]:
    found = look([*texts_of(request), *around], detect, policy, thorough=thorough)
    if policy.confidential_paths or policy.confidential_submitters:
        names = [(where, name) for where, name in (*names_of(request), *around) if where in _PLACES or ".name" in where]
        found += tuple(own_words.marked_by_settings(names, owner, policy))
    return (*found, *shapes(request))


_PLACES = frozenset({"workspace", "prompt_file"})
