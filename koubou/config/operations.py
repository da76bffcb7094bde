"""What kinds of work usually take, by name: a table to estimate by, before anything is known of a task but its type."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field

from koubou.config.words import Count, Section, TaskType
from koubou.rules.estimate import Operation


class OperationSettings(Section):
    """What one kind of work usually takes in and gives out."""

    type: TaskType = Field(description="The type of the tasks that do it; of several for one type the first counts.")
    input_tokens: Count = Field(description="Tokens that it usually reads, all calls together.")
    output_tokens: Count = Field(description="Tokens that it usually writes, reasoning included.")


OPERATIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        name: {"type": task_type, "input_tokens": read, "output_tokens": written}
        for name, task_type, read, written in (
            ("generateCode", "code_generation", 2_000, 2_000),
            ("reviewCode", "code_review", 8_000, 1_500),
            ("refactorCode", "refactoring", 6_000, 4_000),
            ("writeTests", "testing", 5_000, 3_000),
            ("writeDocs", "documentation", 4_000, 2_000),
            ("designArchitecture", "architecture", 5_000, 4_000),
            ("solveAlgorithm", "algorithm", 1_500, 3_000),
            ("general", "general", 1_000, 1_000),
            ("analyzeIssue", "general", 5_000, 500),
            ("answerQuestion", "question_answering", 1_000, 500),
            ("modifyCode", "code_modification", 6_000, 2_500),
            ("fixBug", "bug_fix", 8_000, 2_500),
            ("implementFeature", "feature_implementation", 12_000, 6_000),
        )
    }
)
"""What holds where the settings do not say otherwise; a row of theirs stands beside these, or replaces one."""


def operations_of(settings: Mapping[str, OperationSettings]) -> dict[str, Operation]:
    """The table as the rules take it."""
    return {
        name: Operation(name=name, type=row.type, input_tokens=row.input_tokens, output_tokens=row.output_tokens)
        for name, row in settings.items()
    }
