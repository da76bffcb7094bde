"""A class of model with a reach, a price, a rate and a crew."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from koubou.model.agent import Manner
from koubou.model.instant import Milliseconds
from koubou.model.money import Price


class Reach(StrEnum):
    """How far a task's bytes travel when this tier answers."""

    LOCAL = "local"
    CLOUD = "cloud"


class Tier(Struct, frozen=True, kw_only=True):
    """One tier of the settings, checked. The API key is not part of it: keys travel apart, and only to workers.

    `unfit` says why the tier is not offered (no key, unsafe reach, no price …); None = it is offered. `rests`: it is
    only left alone for a while, and is looked at again by itself.
    `None` for temperature, top_p and reasoning_effort means: not sent.
    `agent` says how its agent is run, where its executor is one. `members` are the tiers whose agents a hybrid one runs
    side by side: `join` `first` takes the first answer, `pick` waits for all and lets `test` decide, a command that is
    run in what each has left.
    `command` is what the executor command:<name> runs; it is asked to end when it says nothing for `idle`, and killed
    when it has not after `grace`. `slow_after`: an answer that took longer counts against its provider.
    `context_tokens` is what an operator says the model can take; `window` is known to be all that it ever takes.
    """

    name: str
    reach: Reach
    provider: str
    executor: str
    base_url: str
    model: str
    price: Price | None
    context_tokens: int
    window: int | None = None
    max_output_tokens: int
    min_output_tokens: int
    reasoning_effort: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    errors_are_billed: bool = False
    timeout: Milliseconds
    slow_after: Milliseconds | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    retries: int = 3
    retry_delay: Milliseconds
    workers_min: int = 0
    workers_max: int
    concurrency: int
    fallback: str | None = None
    embedded: bool = False
    script: str | None = None
    command: tuple[str, ...] = ()
    idle: Milliseconds | None = None
    grace: Milliseconds = 5_000
    agent: Manner | None = None
    members: tuple[Tier, ...] = ()
    join: str = "first"
    test: tuple[str, ...] = ()
    unfit: str | None = None
    rests: bool = False

    @property
    def metered(self) -> bool:
        """Whether its runs make calls of their own through the gateway, each held for by itself."""
        return bool(self.members) or (self.agent is not None and bool(self.base_url))

    @property
    def places(self) -> int:
        """How many calls this tier can run at once with its whole crew."""
        return self.workers_max * self.concurrency
