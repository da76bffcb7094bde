"""What the settings say of where tasks go, and of who judges answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from koubou.config.words import Duration, Executor, Number, Section, Shown, TaskType, TierNamed
from koubou.model.task import TYPES, Difficulty

BACKENDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("code_review", "documentation", "architecture"), "claude"),
        **dict.fromkeys(("testing", "refactoring", "algorithm", "code_generation", "code_modification"), "codex"),
        **dict.fromkeys(("bug_fix", "feature_implementation"), "codex"),
    }
)
"""Review, analysis and what is written for people suit Claude Code; tests, changes and optimisation suit Codex. What is
only asked needs no agent: its files go along with the question."""


def _with_backends(given: Any) -> Any:
    """The built-in ones beneath those that are given."""
    return {**BACKENDS, **given} if isinstance(given, Mapping) else given


_FROM_TIERS: dict[str, Any] = {"shown_default": "from the tiers"}


class RoutingSettings(Section):
    """Which tier a task goes to, by its difficulty."""

    high: TierNamed = Field(description="The tier of hard tasks.", json_schema_extra=_FROM_TIERS)
    medium: TierNamed = Field(description="The tier of tasks in between.", json_schema_extra=_FROM_TIERS)
    low: TierNamed = Field(description="The tier of easy tasks.", json_schema_extra=_FROM_TIERS)
    judge: TierNamed | None = Field(
        default=None,
        description="The tier that is asked how hard a task is where the score is unsure, such as local; null = none.",
    )
    patience: Duration = Field(
        default="60s",
        validate_default=True,
        description="A tier that may not be asked for longer is passed over for the next; for less it is waited for.",
    )
    on_lesser_tier: dict[TaskType, Literal["proceed", "verify", "defer", "simplify"]] = Field(
        default={},
        description="By type: what is done about work that meets a lesser tier, its own being down. proceed; verify = "
        "a second call checks the answer; defer = it waits until the tier is back; simplify = the main part is asked "
        "for, and a list of what was left out.",
    )
    backends: Annotated[dict[TaskType, Executor | None], BeforeValidator(_with_backends)] = Field(
        default={},
        validate_default=True,
        description="By type: the executor that suits work on a workspace, where the task asks for no tier and no "
        "executor; null = none, it goes by difficulty. Where no tier has codex, claude stands in for it, and the other "
        "way round.",
        json_schema_extra={"shown_default": "see etc/koubou.yaml"},
    )
    hybrid_types: tuple[TaskType, ...] = Field(
        default=(),
        max_length=len(TYPES),
        description="Types of which critical work on a workspace (urgent, or requires_high_capability) goes to a tier "
        "with executor: hybrid.",
    )

    @property
    def by_difficulty(self) -> Mapping[Difficulty, str]:
        """The tier of each difficulty."""
        return {Difficulty.HIGH: self.high, Difficulty.MEDIUM: self.medium, Difficulty.LOW: self.low}


class JudgeSettings(Section):
    """Whether answers are judged before they count; one that is poor goes to the next tier up, once."""

    tier: TierNamed | None = Field(
        default=None, description="The tier that judges; its calls are held like all others. null = nobody judges."
    )
    threshold: Annotated[Number, Field(ge=0, le=1), Shown("share up to 1")] = Field(
        default=0.5, description="An answer with a score below this is poor; scores go from 0 to 1."
    )
    types: tuple[TaskType, ...] = Field(
        default=(), max_length=len(TYPES), description="The types of task whose answers are judged; [] = all."
    )
