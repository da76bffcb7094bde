"""What the settings say of money."""

from __future__ import annotations

import pwd
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from koubou.config.words import (
    Count,
    Duration,
    Name,
    Positive,
    Section,
    Share,
    Shown,
    SomeTime,
    TierNamed,
    Timezone,
    Usd,
)
from koubou.model.task import TYPES


class MonthlySettings(Section):
    """The limit of a calendar month, and what happens on the way to it."""

    usd: Usd | None = Field(default="500", validate_default=True, description="Limit of a month; null = no limit.")
    warn_at: Share = Field(
        default=0.8, description="From this part of the limit on: a warning, and cheaper tiers first."
    )
    reject_at: Share = Field(default=1.0, description="From this part on no new task is begun.")
    ceiling_at: Share = Field(default=1.0, description="The hard limit that no call passes, tasks at work included.")
    emergency_at: Share = Field(
        default=1.5, description="From this part on everything stops until a person resumes it."
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.warn_at <= self.reject_at <= self.ceiling_at <= self.emergency_at:
            raise ValueError("must have warn_at <= reject_at <= ceiling_at <= emergency_at")
        return self


class DailySettings(Section):
    """The limit of a day."""

    usd: Usd | None = Field(
        default="20", validate_default=True, description="Limit of a day; null = none, at weekends neither."
    )
    weekend_usd: Usd | None = Field(
        default="5",
        validate_default=True,
        description="Limit of a Saturday or Sunday, when not said never above usd; null = as on other days.",
    )


class TaskLimits(Section):
    """What one task may use where neither its file nor its type says."""

    usd: Usd | None = Field(default="1.00", validate_default=True, description="Money of one task; null = no limit.")
    tokens: Positive | None = Field(default=100_000, description="Tokens of one task, in and out; null = no limit.")
    calls: Positive | None = Field(default=None, description="Calls to models of one task; null = no limit.")
    time: SomeTime | None = Field(
        default="30m", validate_default=True, description="Working time of one task; null = no limit."
    )
    file_edits: Count | None = Field(default=50, description="Files that an agent may change; null = no limit.")
    commands: Count | None = Field(default=100, description="Commands that an agent may run; null = no limit.")


class TypeLimits(Section):
    """What one task of a type may use where its file does not say; what is left out is as for all tasks.

    A long prompt makes room for its first call, as far as `budget.task` lets any task go.
    """

    usd: Usd | None = Field(default=None, description="Money; null = no limit.")
    tokens: Positive | None = Field(default=None, description="Tokens, in and out; null = no limit.")
    calls: Positive | None = Field(default=None, description="Calls to models; null = no limit.")
    time: SomeTime | None = Field(default=None, description="Working time; null = no limit.")
    file_edits: Count | None = Field(default=None, description="Files that an agent may change; null = no limit.")
    commands: Count | None = Field(default=None, description="Commands that an agent may run; null = no limit.")


class AgentLimits(Section):
    """The least that a task of an agent gets: its first request alone is longer than many a task's whole limit.

    The first calls of two agents side by side fit in it at the dearest known price; it reads its context at each call.
    """

    usd: Usd = Field(default="3.00", validate_default=True, description="Money.")
    tokens: Count = Field(default=1_000_000, description="Tokens, in and out.")
    time: Duration = Field(default="30m", validate_default=True, description="Working time.")


class SessionLimits(Section):
    """What the tasks of one session may use together."""

    usd: Usd | None = Field(default=None, description="Money of a session; null = no limit.")
    tokens: Positive | None = Field(default=500_000, description="Tokens of a session, in and out; null = no limit.")


class MonthLimits(Section):
    """What a tier, a model or a submitter may use in a month."""

    usd: Usd | None = Field(default=None, description="Money; null = no limit.")
    tokens: Positive | None = Field(default=None, description="Tokens, in and out; null = no limit.")
    calls: Positive | None = Field(default=None, description="Calls; null = no limit.")


class Overdraft(Section):
    """By how much task and session accounts may go beyond their limit, once, for a step that must not be broken off."""

    usd: Usd = Field(default="0", validate_default=True, description="Money beyond the limit.")
    tokens: Count = Field(default=0, description="Tokens beyond the limit.")


def _type_name(name: str) -> str:
    if name not in TYPES:
        raise ValueError(f"must name a type of task: {', '.join(TYPES)}")
    return name


def _submitter(name: str) -> str:
    if not _SUBMITTER.fullmatch(name):
        raise ValueError("must name a user, a uid, or default for all others")
    if name != "default" and not name.isdecimal():
        try:
            pwd.getpwnam(name)
        except KeyError:
            raise ValueError(f"names {name}, whom this machine does not know; give the uid") from None
    return name


_SUBMITTER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
TypeName = Annotated[str, AfterValidator(_type_name), Shown("type of task")]
Submitter = Annotated[str, AfterValidator(_submitter), Shown("user")]

TYPE_LIMITS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "question_answering": {"usd": "0.10", "tokens": 10_000, "time": "2m"},
        "code_modification": {"usd": "0.50", "tokens": 50_000, "time": "15m"},
        "bug_fix": {"usd": "0.80", "tokens": 80_000, "time": "30m"},
        "feature_implementation": {"usd": "1.50", "tokens": 150_000, "time": "60m"},
        "architecture": {"usd": "1.00", "tokens": 100_000, "time": "30m"},
    }
)
"""What the types of the specification may use; a file that names one replaces only what it says of it."""


def _with_types(given: Any) -> Any:
    """The built-in limits of each type beneath those that are given."""
    if not isinstance(given, Mapping):
        return given
    merged: dict[Any, Any] = {name: dict(limits) for name, limits in TYPE_LIMITS.items()}
    for name, limits in given.items():
        own = merged.get(name, {})
        merged[name] = {**own, **limits} if isinstance(limits, Mapping) else limits
    return merged


class BudgetSettings(Section):
    """The limits of money, by window."""

    timezone: Timezone = Field(default="UTC", description="Where months and days begin.")
    monthly: MonthlySettings = Field(default=MonthlySettings(), description="The limit of a month.")
    daily: DailySettings = Field(default=DailySettings(), description="The limit of a day.")
    task: TaskLimits = Field(default=TaskLimits(), description="The limits of a task.")
    types: Annotated[dict[TypeName, TypeLimits], BeforeValidator(_with_types)] = Field(
        default={},
        validate_default=True,
        description="The limits of a task by its type; the types of the specification have limits of their own.",
        json_schema_extra={"shown_default": "see etc/koubou.yaml"},
    )
    agents: AgentLimits = Field(default=AgentLimits(), description="The least that a task of an agent gets.")
    tiers: dict[TierNamed, MonthLimits] = Field(default={}, description="The limits of a tier in a month, by its name.")
    models: dict[Name, MonthLimits] = Field(default={}, description="The limits of a model in a month, by its name.")
    submitters: dict[Submitter, MonthLimits] = Field(
        default={},
        description="The limits of who drops tasks, in a month: by user name or uid, and `default` for all others.",
    )
    session: SessionLimits = Field(default=SessionLimits(), description="The limits of a session.")
    overdraft: Overdraft = Field(default=Overdraft(), description="What tasks and sessions may go beyond.")
