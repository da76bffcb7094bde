"""What the settings say of how long things are kept."""

from __future__ import annotations

from pydantic import Field

from koubou.config.words import Duration, Section
from koubou.model.retention import Retention


class RetentionSettings(Section):
    """How long what is left of a task is kept after its end; null = for good. What waits or works is never touched."""

    completed: Duration | None = Field(
        default="90d",
        validate_default=True,
        description="Texts, answers and folders of completed tasks; null = for good.",
    )
    failed: Duration | None = Field(
        default="90d", validate_default=True, description="Those of failed and cancelled tasks; null = for good."
    )
    confidential: Duration | None = Field(
        default="30d",
        validate_default=True,
        description="Those of confidential tasks, where this is shorter than the two above; null = like all others.",
    )
    runs: Duration | None = Field(
        default="30d",
        validate_default=True,
        description="The records of single calls, in runs/ of each task's folder; its answer stays. null = for good.",
    )
    ids: Duration | None = Field(
        default="365d",
        validate_default=True,
        description="Bare ids, by which the same file is known again; they outlive the text. null = for good.",
    )
    rejected: Duration | None = Field(
        default="90d", validate_default=True, description="Refused files and their reasons; null = for good."
    )


def retention_of(settings: RetentionSettings) -> Retention:
    """The times as the workshop works with them."""
    return Retention(
        completed=settings.completed,
        failed=settings.failed,
        confidential=settings.confidential,
        runs=settings.runs,
        ids=settings.ids,
        rejected=settings.rejected,
    )
