"""The money settings as the steps see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo

from koubou.model.instant import Milliseconds
from koubou.model.money import Nano


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits in nano-dollars (None = no limit); thresholds are shares of the monthly limit."""

    monthly: Nano | None
    task: Nano | None
    task_time: Milliseconds | None = None
    warn_at: float = 0.8
    ceiling_at: float = 1.0
    emergency_at: float = 1.5
    timezone: tzinfo = UTC
