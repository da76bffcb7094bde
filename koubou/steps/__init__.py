"""The deeds, in the order in which a turn does them.

What has ended comes first, so that the places and the money it frees are used in the same turn; then the way of a
task from its file to a worker. A step asks the rule of the same name, writes the board, and leaves what is to be done
in the world as deeds for after the commit.
"""

from collections.abc import Callable, Sequence

from koubou.model.instant import Instant
from koubou.steps.admit import admit
from koubou.steps.alarms import alarms
from koubou.steps.answer import answer
from koubou.steps.breaker import breaker
from koubou.steps.classify import classify
from koubou.steps.file_away import file_away
from koubou.steps.gate import gate
from koubou.steps.intake import intake
from koubou.steps.retain import retain
from koubou.steps.route import route
from koubou.steps.settle import settle
from koubou.steps.shop import Shop
from koubou.steps.tell import tell
from koubou.steps.wake import wake

STEPS: Sequence[Callable[[Shop, Instant], int]] = (
    settle,
    breaker,
    gate,
    file_away,
    tell,
    retain,
    answer,
    alarms,
    intake,
    wake,
    classify,
    route,
    admit,
)

__all__ = ["STEPS", "Shop"]
