"""What the provider remembers and charges; its prices, its counting and its rounding are its own."""

from __future__ import annotations

import math
import pickle
import random
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from simulated.behaviour import Behaviour
from simulated.words import Asked, Usage

PRICES: Mapping[str, Mapping[str, float]] = {
    "gpt-5": {"input": 1.25, "output": 10, "cached_input": 0.125},
    "gpt-5-mini": {"input": 0.25, "output": 2, "cached_input": 0.025},
    "gpt-dear": {"input": 10, "output": 100},
}
"""USD per million tokens of models that were given no price at the start; any other model is free."""

REMEMBERED_REQUESTS = 5_000


@dataclass(kw_only=True)
class Page:
    """The bill of one model."""

    nusd: int = 0
    calls: int = 0
    answered: int = 0
    errors: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0
    output_tokens: int = 0
    hours: Counter[str] = field(default_factory=Counter)
    """Nano-dollars by the hour (ISO 8601, UTC) in which they were charged, as a provider's export has them."""


_COUNTS = tuple(each.name for each in fields(Page) if each.name != "hours")


class Provider:
    """The provider itself: behaviour, bill and memory."""

    def __init__(self, prices: Mapping[str, Mapping[str, float]], key: str | None) -> None:
        self.prices = prices
        self.first_keys = None if key is None else [key]
        self.forget()

    def forget(self) -> None:
        """As new: no bill, no memory, default behaviour."""
        self.keys = self.first_keys
        self.general = Behaviour()
        self.special: dict[str, Behaviour] = {}
        self.pages: dict[str, Page] = {}
        self.kinds: Counter[str] = Counter()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_REQUESTS)
        self.heard: list[bytes] = []
        self.wrong_keys: Counter[str] = Counter()
        self.random = random.Random(0)
        self.in_flight = 0
        self.peak = 0

    def behave(self, wishes: dict[str, Any]) -> None:
        """Change the behaviour for all models, or with `model` for one; `keys` are those that are accepted now."""
        self.keys = wishes.pop("keys", self.keys)
        if (seed := wishes.pop("seed", None)) is not None:
            self.random = random.Random(seed)
        model = wishes.pop("model", None)
        if model is None:
            self.general = self.general.changed(wishes)
            self.special = {name: each.changed(wishes) for name, each in self.special.items()}
        else:
            self.special[model] = self.special.get(model, self.general).changed(wishes)

    def behaviour(self, model: str) -> Behaviour:
        return self.special.get(model, self.general)

    def page(self, model: str) -> Page:
        return self.pages.setdefault(model, Page())

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    def next_error(self, behaviour: Behaviour) -> str | None:
        """The kind of error that this call gets, if any."""
        if isinstance(behaviour.errors, list):
            return behaviour.errors.pop(0) if behaviour.errors else None
        roll = self.random.random()
        for kind, probability in behaviour.errors.items():
            if roll < probability:
                return str(kind)
            roll -= probability
        return None

    def charge(self, model: str, usage: Usage) -> int:
        """Write a call on the bill, rounded up to the nano-dollar; what it costs."""
        page = self.page(model)
        price = self.prices.get(model, {})
        as_input = price.get("input", 0)
        # USD per million tokens is the same number as thousands of nano-dollars per token.
        cost: Fraction = 1000 * (
            (usage.input - usage.cached - usage.written) * _exact(as_input)
            + usage.cached * _exact(price.get("cached_input", as_input))
            + usage.written * _exact(price.get("cache_write", as_input))
            + usage.output * _exact(price.get("output", 0))
        )
        nusd = math.ceil(cost)
        page.nusd += nusd
        page.hours[time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime())] += nusd
        page.input_tokens += usage.input
        page.cached_tokens += usage.cached
        page.written_tokens += usage.written
        page.output_tokens += usage.output
        return nusd

    def remember(self, memory: Path) -> None:
        """Go on as the one who left this memory."""
        vars(self).update(pickle.loads(memory.read_bytes()))

    def leave(self, memory: Path) -> None:
        """Leave what was billed, heard and asked to whoever comes next; he behaves by default."""
        names = ("keys", "pages", "kinds", "requests", "heard", "wrong_keys", "peak")
        memory.write_bytes(pickle.dumps({name: getattr(self, name) for name in names}))

    def bill(self) -> dict[str, Any]:
        """The sums over all models, and each model's own page under `models`."""
        sums = {name: sum(getattr(page, name) for page in self.pages.values()) for name in _COUNTS}
        return {
            **sums,
            "usd": sums["nusd"] / 1e9,
            "models": {name: vars(page) for name, page in self.pages.items()},
            "kinds": dict(self.kinds),
            "wrong_keys": sum(self.wrong_keys.values()),
            "in_flight": self.in_flight,
            "peak": self.peak,
        }


def usage_of(asked: Asked, behaviour: Behaviour, body_bytes: int) -> Usage:
    """What a call uses up."""
    output = behaviour.output_tokens if asked.cap is None else min(asked.cap, behaviour.output_tokens)
    whole = count_input(asked, body_bytes, behaviour.tokens_per_byte)
    cached = min(behaviour.cached_tokens, whole)
    return Usage(
        input=whole,
        output=output,
        cached=cached,
        written=min(behaviour.written_tokens, whole - cached),
        reasoning=min(behaviour.reasoning_tokens, output),
    )


def count_input(asked: Asked, body_bytes: int, tokens_per_byte: float) -> int:
    """Input tokens as a provider counts them: texts, schemas, tools, a few per message; never above the bytes."""
    texts = sum(len(text.encode()) for text in asked.texts) + sum(len(extra) for extra in asked.extras)
    return min(body_bytes, math.ceil(tokens_per_byte * texts) + 4 * len(asked.texts) + 3)


def _exact(price: float) -> Fraction:
    return Fraction(str(price))
