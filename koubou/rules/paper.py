"""What is put into a task's folder at its end: output.json and output.md, or error.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from koubou.model.account import TaskUsage
from koubou.model.call import CallResult
from koubou.model.instant import iso, iso_or_none
from koubou.model.money import show_usd, usd
from koubou.model.policy import Flag
from koubou.model.task import Sensitivity, Task
from koubou.model.tier import Tier
from koubou.rules.guardrails import is_secret

FINISHED_EARLY = "finished_early"
"""Why an answer ends that was broken off, and filed all the same because a person wanted it so."""


SCHEMA = "response_format"
"""What an answer lacks that does not meet the schema it should."""


def output(task: Task, tier: Tier | None, used: TaskUsage) -> dict[str, Any]:
    """output.json of a completed task but for its answer, which only the record knows; the names are a contract."""
    return {
        **_common(task, "completed", used),
        "answer": None,
        "model": tier.model if tier else None,
        "executor": tier.executor if tier else None,
        "judge_score": task.judge_score,
        "upgraded_to": task.upgraded_to,
        "lesser": task.lesser,
    }


def with_answer(
    paper: Mapping[str, Any], expect: Sequence[str], result: CallResult, answer: str, flags: Sequence[Flag] = ()
) -> dict[str, Any]:
    """The same with the answer. `complete` is false for one that was cut at its cap or lacks an expected part.

    `flags` say what should not be in it: who reads a secret is confidential.
    """
    if result.answered:
        lacking = set(result.missing)
        missing = [part for place, part in enumerate(expect) if f"expect[{place}]" in lacking]
        missing += [SCHEMA] if SCHEMA in lacking else []
    else:
        low = answer.casefold()
        missing = [part for part in expect if part.casefold() not in low]
    return {
        **paper,
        "answer": answer,
        "model": result.model or paper["model"],
        "finish_reason": result.finish_reason if result.answered else FINISHED_EARLY,
        "complete": result.answered and result.finish_reason != "length" and not missing,
        "missing": missing,
        "sensitivity": Sensitivity.CONFIDENTIAL if any(map(is_secret, flags)) else paper["sensitivity"],
        "flags": [{"category": flag.category, "rule": flag.rule, "line": flag.line} for flag in flags],
    }


def changes(told: Mapping[str, Any], run: int) -> dict[str, Any]:
    """What an agent has changed, as output.json tells it: the way of the patch leads from the task's own folder."""
    patch = told.get("patch")
    return {**told, "patch": None if patch is None else f"runs/{run}/{patch}"}


def error(task: Task, status: str, told: Mapping[str, Any], used: TaskUsage) -> dict[str, Any]:
    """error.json of a task that failed or was cancelled; the names are a contract."""
    return {**_common(task, status, used), "error": dict(told)}


def markdown(output: Mapping[str, Any]) -> str:
    """output.md: the answer as a person reads it, with one line on where it came from."""
    title = " ".join(str(output["title"]).split())
    heading = f"# {title}\n\n" if title else ""
    cost = show_usd(output["cost_nusd"])
    warning = "" if output["complete"] else f"\n*{incompleteness(output)}*\n"
    return f"{heading}{output['answer'].rstrip()}\n\n---\n*{output['task']} · {output['model']} · {cost}*\n{warning}"


def incompleteness(output: Mapping[str, Any]) -> str:
    """What an answer lacks, in a sentence; "" for one that is complete."""
    if output.get("complete", True):
        return ""
    if output.get("finish_reason") == FINISHED_EARLY:
        return "The answer is what had come when a person let it be enough."
    if output.get("missing"):
        return f"The answer lacks what was expected: {', '.join(output['missing'])}."
    return "The answer was cut at its cap: raise max_output_tokens and submit it again."


def as_bytes(paper: Mapping[str, Any]) -> bytes:
    """A paper as it is written: UTF-8 JSON, readable."""
    return (json.dumps(paper, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def route_of(task: Task) -> Sequence[Mapping[str, str]]:
    """The chain of reasons, as JSON shows it."""
    return [{"rule": reason.rule, "reason": reason.reason} for reason in task.route]


def _common(task: Task, status: str, used: TaskUsage) -> dict[str, Any]:
    return {
        "task": task.id,
        "status": status,
        "type": task.type,
        "title": task.title,
        "session": task.session,
        "tier": task.tier,
        "sensitivity": task.sensitivity,
        "difficulty": task.difficulty,
        "route": route_of(task),
        "usage": {
            "input_tokens": used.usage.input_tokens,
            "cached_input_tokens": used.usage.cached_input_tokens,
            "cache_write_tokens": used.usage.cache_write_tokens,
            "output_tokens": used.usage.output_tokens,
            "reasoning_tokens": used.usage.reasoning_tokens,
            "calls": used.calls,
        },
        "cost_nusd": used.cost,
        "cost_usd": usd(used.cost),
        "attempts": task.attempts,
        "created_at": iso(task.created_at),
        "started_at": iso_or_none(task.started_at),
        "finished_at": iso_or_none(task.finished_at),
    }
