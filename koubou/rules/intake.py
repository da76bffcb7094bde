"""A document that was read and examined becomes what the board takes in."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec.structs import asdict

from koubou.model.decision import Reason
from koubou.model.request_json import budget_to_json, request_to_json
from koubou.model.task import Examination, NewTask, TaskRequest


def new_task(
    request: TaskRequest, seen: Examination, *, claim: str, document: int, owner: int, digest: str, source: str
) -> NewTask:
    """The task of a document. Its id is the request's, else the claim's ULID, from the second on with its number."""
    return NewTask(
        id=request.id or (claim if document == 1 else f"{claim}-{document}"),
        claim=claim,
        document=document,
        digest=digest,
        owner=owner,
        source=source,
        body=request_to_json(request),
        type=seen.type,
        title=request.title,
        session=request.session,
        parent=request.parent,
        priority=request.priority,
        asked_tier=request.tier,
        asked_difficulty=request.difficulty,
        asked_sensitivity=request.sensitivity,
        requires_high_capability=request.requires_high_capability,
        executor=request.executor,
        input_bytes=seen.input_bytes,
        message_count=seen.message_count,
        max_output_tokens=request.max_output_tokens,
        budget=budget_to_json(request.budget),
        retries=request.retries,
        on_interrupt=request.on_interrupt,
        not_before=request.not_before,
        expires_at=request.expires_at,
        depends_on=tuple(request.depends_on),
        locks=tuple(request.locks),
        findings=json.dumps([asdict(finding) for finding in seen.findings]) if seen.findings else "[]",
        factors=_reasons([*seen.factors, seen.type_reason]),
        score=seen.score,
    )


def _reasons(reasons: Sequence[Reason]) -> str:
    return json.dumps([{"rule": reason.rule, "reason": reason.reason} for reason in reasons], ensure_ascii=False)
