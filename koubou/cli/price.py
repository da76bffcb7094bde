"""koubou price: what a model costs, where the figures are from, and what a call would cost and be held for."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from koubou.cli.parser import Parser
from koubou.errors import KoubouError, UsageMistake

if TYPE_CHECKING:
    from koubou.config.settings import Settings
    from koubou.model.call import Usage
    from koubou.model.instant import Instant
    from koubou.model.money import Nano, Price, Rates

_KINDS = {
    "INPUT": "input",
    "CACHED": "cached_input",
    "CACHE WRITE": "cache_write",
    "FOR AN HOUR": "cache_write_1h",
    "OUTPUT": "output",
}
_MOST = 999_999_999


def declare(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a model's name, or a tier of the settings")
    parser.add_argument("--provider", metavar="NAME", help="whose price counts (openai, anthropic, …)")
    parser.add_argument("--input", metavar="N", type=_count, default=0, help="input tokens of a call, cached ones too")
    parser.add_argument("--cached", metavar="N", type=_count, default=0, help="how many of them come from a cache")
    parser.add_argument("--output", metavar="N", type=_count, default=0, help="output tokens, reasoning included")
    parser.add_argument("--at", metavar="DATE", help="the price of this day, such as 2026-11-01; today when not given")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou price gpt-5", "koubou price claude-sonnet-4-5 --input 250000 --cached 200000 --output 2000")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.config.prices import NoPrice, line_to_add, nearest_names

    if arguments.cached > arguments.input:
        raise UsageMistake("--cached is a part of --input, and cannot be more")
    at, settings = _day(arguments.at), workshop_of(arguments).settings
    try:
        found = _find(settings, arguments.model, arguments.provider, at)
    except NoPrice as error:
        near = nearest_names(arguments.model, settings.prices, arguments.provider)
        _no_price(arguments, error, line_to_add(arguments.model), near)
        return exits.BAD_TASK_FILE
    call = _call(arguments, found.price)
    if arguments.json:
        print_json(_shape(found, at, call))
    else:
        _print(found, call)
    return exits.DONE


class Found(Struct, frozen=True, kw_only=True):
    """The price that a model has here. `provider` is "" where nobody knows whose it is."""

    model: str
    provider: str
    price: Price
    window: int | None = None


class Call(Struct, frozen=True, kw_only=True):
    """A call that uses this, what it would cost, and the most that would be held for it."""

    used: Usage
    cost: Nano
    held: Nano


def _find(settings: Settings, name: str, provider: str | None, at: Instant) -> Found:
    """As a tier would find it: its own price, the settings' table, the price table. Raises NoPrice."""
    from koubou.config import prices
    from koubou.config.tiers import whose

    tier = _tier(settings, name) if provider is None else None
    if tier is None:
        model, provider, url = name, provider or prices.provider_of(name), None
        owner = provider or ""
    else:
        asked = settings.tiers[tier]
        model, provider, url, owner = asked.model or name, asked.provider, asked.base_url, whose(asked)
        if asked.price != "auto":
            price = prices.from_settings(asked.price, f"tiers.{tier}.price")
            return Found(model=model, provider=owner, price=price)
    if (mine := prices.overriding(settings.prices, model, owner)) is not None:
        return Found(model=model, provider=owner, price=mine)
    if provider is None and url is None:
        raise prices.NoPrice(f"no provider is known for the model {model}; name it with --provider")
    known = prices.from_table(model, provider, url, at)
    return Found(model=model, provider=known.provider, price=known.price, window=known.window)


def _tier(settings: Settings, name: str) -> str | None:
    """The tier of this name, or else the first that has this model."""
    if name in settings.tiers:
        return name
    return next((key for key, tier in settings.tiers.items() if tier.model == name), None)


def _call(arguments: argparse.Namespace, price: Price) -> Call | None:
    from koubou.model.call import Usage
    from koubou.rules.bound import bound
    from koubou.rules.price import cost

    if not arguments.input and not arguments.output:
        return None
    used = Usage(input_tokens=arguments.input, cached_input_tokens=arguments.cached, output_tokens=arguments.output)
    return Call(used=used, cost=cost(used, price), held=bound(price, arguments.input, arguments.output))


def _print(found: Found, call: Call | None) -> None:
    from koubou.cli.say import one_line
    from koubou.cli.table import print_table
    from koubou.model.money import show_usd

    whose = f" of {found.provider}" if found.provider else ""
    print(one_line(f"{found.model}{whose}, USD per million tokens: {found.price.source}"))
    heads = ("INPUT TOKENS", *_KINDS)
    steps = ((0, found.price.base), *found.price.steps)
    rows = [
        (f"above {above:,}" if above else "any", *(show_usd(getattr(rates, kind)) for kind in _KINDS.values()))
        for above, rates in steps
    ]
    print_table(heads, rows, right=tuple(_KINDS))
    if found.window is not None:
        print(f"takes in {found.window:,} tokens at most")
    if call is not None:
        used = call.used
        print(
            f"{used.input_tokens:,} tokens in ({used.cached_input_tokens:,} cached) and {used.output_tokens:,} out "
            f"cost {show_usd(call.cost)}; {show_usd(call.held)} is held for them at most"
        )


def _shape(found: Found, at: Instant, call: Call | None) -> dict[str, Any]:
    from koubou.model.instant import moment
    from koubou.model.money import usd

    price = found.price
    return {
        "model": found.model,
        "provider": found.provider or None,
        "source": price.source,
        "date": f"{moment(at):%Y-%m-%d}",
        "free": price.free,
        "window": found.window,
        "rates": [{"above": 0, **_rates(price.base)}, *({"above": at, **_rates(step)} for at, step in price.steps)],
        "call": None
        if call is None
        else {
            "input_tokens": call.used.input_tokens,
            "cached_input_tokens": call.used.cached_input_tokens,
            "output_tokens": call.used.output_tokens,
            "cost_usd": usd(call.cost),
            "cost_nusd": call.cost,
            "held_usd": usd(call.held),
            "held_nusd": call.held,
        },
    }


def _rates(rates: Rates) -> dict[str, float]:
    from koubou.model.money import usd

    return {f"{kind}_usd": usd(getattr(rates, kind)) for kind in _KINDS.values()}


def _no_price(arguments: argparse.Namespace, error: KoubouError, line: str, near: list[str]) -> None:
    from koubou.cli.say import note, print_json

    if arguments.json:
        problem = {"class": "no_price", "message": str(error), "remedy": line, "nearest": near}
        print_json({"model": arguments.model, "error": problem})
        return
    note(str(error))
    note(f"to give it a price, add to the settings: {line} per million tokens")
    if near:
        note(f"known are {', '.join(near)}")


def _count(text: str) -> int:
    from koubou.documents import units

    try:
        found = units.count(text)
    except ValueError:
        found = _MOST + 1
    if found > _MOST:
        raise argparse.ArgumentTypeError("takes a whole number of tokens")
    return found


def _day(text: str | None) -> Instant:
    """The day that is meant, as a time on it. Raises UsageMistake."""
    from koubou.cli.say import now
    from koubou.model.instant import instant

    if text is None:
        return now()
    try:
        return instant(datetime.combine(date.fromisoformat(text), time(12), tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UsageMistake("--at takes a day such as 2026-11-01") from None
