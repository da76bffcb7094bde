"""What the settings say of money."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from koubou.config.words import Count, Duration, Positive, Section, Share, Timezone, Usd


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
        default="5", validate_default=True, description="Limit of a Saturday or Sunday; null = as on other days."
    )


class TaskLimits(Section):
    """What one task may use where its file does not say."""

    usd: Usd | None = Field(default="1.00", validate_default=True, description="Money of one task; null = no limit.")
    tokens: Positive | None = Field(default=100_000, description="Tokens of one task; null = no limit.")
    time: Duration | None = Field(
        default="30m", validate_default=True, description="Working time of one task; null = no limit."
    )
    file_edits: Count | None = Field(default=50, description="Files that an agent may change; null = no limit.")
    commands: Count | None = Field(default=100, description="Commands that an agent may run; null = no limit.")


class SessionLimits(Section):
    """What the tasks of one session may use together."""

    tokens: Positive | None = Field(default=500_000, description="Tokens of a session; null = no limit.")


class Overdraft(Section):
    """By how much task and session accounts may go beyond their limit."""

    usd: Usd = Field(default="0", validate_default=True, description="Money beyond the limit.")
    tokens: Count = Field(default=0, description="Tokens beyond the limit.")


class BudgetSettings(Section):
    """The limits of money, by window."""

    timezone: Timezone = Field(default="UTC", description="Where months and days begin.")
    monthly: MonthlySettings = Field(default=MonthlySettings(), description="The limit of a month.")
    daily: DailySettings = Field(default=DailySettings(), description="The limit of a day.")
    task: TaskLimits = Field(default=TaskLimits(), description="The limits of a task.")
    session: SessionLimits = Field(default=SessionLimits(), description="The limits of a session.")
    overdraft: Overdraft = Field(default=Overdraft(), description="What tasks and sessions may go beyond.")
