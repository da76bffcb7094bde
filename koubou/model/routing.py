"""How work is given out: which tier serves which difficulty, and what is done when that tier cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct, field

from koubou.model.instant import MINUTE, Milliseconds
from koubou.model.phase import Lesser
from koubou.model.task import Difficulty


class Judge(Struct, frozen=True, kw_only=True):
    """Who judges answers: a tier, of which types (none named = all), and the score (0 to 1) below which work is bad."""

    tier: str | None = None
    threshold: float = 0.5
    types: Collection[str] = ()


class Routing(Struct, frozen=True, kw_only=True):
    """What the settings say of it. `difficulty_judge` is the tier that is asked where the score is unsure.

    `patience`: a tier that may not be asked for longer is passed over for the next. `on_lesser` is by type, and so is
    `backends`: the executor that suits such work in a folder. Critical work of the types `hybrid` goes to several.
    """

    tiers: Mapping[Difficulty, str]
    patience: Milliseconds = MINUTE
    difficulty_judge: str | None = None
    judge: Judge = field(default_factory=Judge)
    on_lesser: Mapping[str, Lesser] = field(default_factory=dict)
    otherwise: Lesser = Lesser.PROCEED
    backends: Mapping[str, str] = field(default_factory=dict)
    hybrid: Collection[str] = ()

    def lesser(self, task_type: str) -> Lesser:
        """What is done when work of a type meets a lesser tier."""
        return self.on_lesser.get(task_type, self.otherwise)
