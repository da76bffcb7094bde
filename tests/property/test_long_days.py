"""Long days in the workshop: the machine of `test_never_over` led by plain dice, all that can happen equally often.

Hypothesis looks in few places and shrinks what it finds; the dice look everywhere and come back by their number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from koubou.model.budget import Budget
from koubou.model.call import Bill, ErrorClass
from koubou.model.money import USD
from tests.property.test_never_over import PRICES, SCOPES, NeverOver, a_budget_of

STEPS = 50
DAYS = 500 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 24
LIMITS = (None, 0, 25_000_000, 60_000_000, 90_000_000, 150_000_000, USD)


def budget(dice: Random) -> Budget:
    return a_budget_of(dice.choice, dice.choice(LIMITS), dice.choice([None, *LIMITS]))


def shares(dice: Random) -> tuple[int, int, int]:
    return dice.choice([(100, 100, 100), (100, 0, 100), (50, 50, 50), (0, 0, 0), (99, 33, 1)])


def kind(dice: Random) -> ErrorClass | None:
    return dice.choice([None, None, *ErrorClass])


def pick(dice: Random) -> int:
    return dice.randrange(1000)


def picks(dice: Random) -> list[int]:
    return [pick(dice) for _ in range(dice.randint(1, 3))]


WHAT: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    "drop": lambda dice: {
        "many": dice.randint(1, 4),
        "prompt": dice.choice(["x", "工房" * 20, "x" * 400]),
        "cap": dice.choice([None, None, 1, 500, 3_000]),
        "tier": dice.choice([None, None, "high", "medium", "local"]),
        "priority": dice.randint(1, 10),
        "own": dice.choice([None, None, None, 10_000_000, 25_000_000]),
        "secret": dice.random() < 0.2,
        "wish": dice.choice(
            ["", "", "", "hold", "lock", "needs", "later", "soon", "session", "session", "tokens", "bug"]
        ),
        "pick": pick(dice),
    },
    "wait": lambda dice: {"seconds": dice.choice([0, 1, 60, 700, 86_400, None])},
    "another_budget": lambda dice: {"budget": budget(dice)},
    "a_person_sets": lambda dice: {
        "scope": dice.choice(list(SCOPES)),
        "kind": pick(dice),
        "pick": pick(dice),
        "back": dice.random() < 0.5,
    },
    "a_person_adds": lambda dice: {
        "account": dice.choice(["month", "day", "task:t2", "session:s-1001", "tier:medium"]),
        "pick": pick(dice),
    },
    "a_new_period": lambda dice: {"scope": dice.choice(["month", "day", "task:t1", "session:s-1000", "tier:medium"])},
    "a_bill_comes": lambda dice: {"parts": dice.randint(1, 3), "besides": dice.choice([0, 0, 0, 1, 30_000_000])},
    "another_crew": lambda dice: {
        "rooms": [dice.choice([0, 1, 1, 4]) for _ in range(4)],
        "halted": dice.choice([None, None, None, "high", "local"]),
    },
    "another_price": lambda dice: {"name": dice.choice(["high", "medium"]), "price": dice.choice(PRICES)},
    "ask": lambda dice: {"verb": dice.choice(["cancel", "retry", "retry", "finish", "release"]), "picks": picks(dice)},
    "emergency": lambda dice: {"stop": dice.random() < 0.3},
    "start": lambda dice: {"pick": pick(dice)},
    "finish": lambda dice: {
        "picks": picks(dice),
        "bill": dice.choice([*Bill]),
        "kind": kind(dice),
        "shares": shares(dice),
    },
    "answer": lambda dice: {"picks": picks(dice)},
    "a_bill_above_its_hold": lambda dice: {"pick": pick(dice), "times": dice.choice([1, 2, 100])},
    "a_worker_is_gone": lambda dice: {
        "pick": pick(dice),
        "on_purpose": dice.random() < 0.5,
        "sent": dice.random() < 0.5,
        "records": dice.choice([0, 50, 100]),
        "shares": shares(dice),
    },
    "a_late_word": lambda dice: {"pick": pick(dice), "bill": dice.choice([*Bill]), "kind": kind(dice)},
    "unsendable": lambda dice: {"pick": pick(dice), "for_good": dice.random() < 0.3},
    "file": lambda dice: {"twice": dice.random() < 0.5},
}


def possible(day: NeverOver, happening: str) -> bool:
    match happening:
        case "start" | "finish" | "answer" | "a_bill_above_its_hold" | "a_worker_is_gone":
            return bool(day.auditor.holds)
        case "a_late_word" | "a_bill_comes":
            return bool(day.auditor.ended)
        case "unsendable":
            return bool(day.unsent())
    return True


@pytest.mark.parametrize("number", range(DAYS))
def test_on_a_long_day_no_ceiling_is_passed_and_nothing_is_lost(number: int) -> None:
    dice = Random(number)
    day = NeverOver()
    day.open(budget=budget(dice), room=dice.randint(1, 4))
    happened = []
    try:
        for _ in range(STEPS):
            happening = dice.choice([what for what in WHAT if possible(day, what)])
            arguments = WHAT[happening](dice)
            happened.append(f"day.{happening}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})")
            getattr(day, happening)(**arguments)
            day.the_ledger_is_never_below_the_bill()
        happened.append("day.teardown()")
        day.teardown()
    except AssertionError as error:
        error.add_note("\n".join(happened))
        raise
