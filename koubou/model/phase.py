"""What a task's next call is for, and how its work is done where it meets a lesser tier."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """A call is for the task's answer, or asks a model about the task or about its answer."""

    DIFFICULTY = "difficulty"
    ANSWER = "answer"
    JUDGE = "judge"


class Lesser(StrEnum):
    """What is done about work that meets a lesser tier than it should have.

    Verify: a second call checks the answer. Defer: it waits until the tier is back. Simplify: the main part is asked
    for, and a list of what was left out.
    """

    PROCEED = "proceed"
    VERIFY = "verify"
    DEFER = "defer"
    SIMPLIFY = "simplify"
