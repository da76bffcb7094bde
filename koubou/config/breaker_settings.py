"""What the settings say of breakers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from koubou.config.words import Duration, Number, Section, Shown, Whole

Pause = Annotated[Duration, Field(ge=100), Shown("duration from 100ms")]
"""A server is asked how it is no more often."""
Calls = Annotated[Whole, Field(ge=1, le=1000), Shown("count from 1")]


class BreakerSettings(Section):
    """When a provider's model is left alone, and how it comes back; see docs/routing.md."""

    in_a_row: Calls = Field(default=5, description="It is left alone after so many failures in a row.")
    share: Annotated[Number, Field(gt=0, le=1), Shown("share")] = Field(
        default=0.5, description="Or after failures as so large a share of the last calls."
    )
    of_last: Calls = Field(default=20, description="How many calls those last ones are.")
    wait: Pause = Field(
        default="60s",
        validate_default=True,
        description="How long it is left alone, and how often its server is asked how it is; twice as long each time.",
    )
    longest_wait: Pause = Field(default="15m", validate_default=True, description="But no longer than this.")
    successes: Calls = Field(
        default=3, description="After so many good calls in a row, one at a time, it serves as before."
    )
