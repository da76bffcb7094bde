"""koubou estimate: what task files would cost, on which tier, and whether they fit, before anything is submitted."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from koubou.config.settings import Settings
    from koubou.views.estimating import Call, Estimate


def declare(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="*", help="task files; - reads one from standard input")
    parser.add_argument("--operation", metavar="NAME", help="take it for this kind of work, such as analyzeIssue")
    parser.add_argument("--operations", action="store_true", help="the kinds of work, and what each costs on each tier")
    parser.add_argument("--json", action="store_true", help="one JSON list, with an object for each document")
    parser.examples(
        "koubou estimate fix-login.yaml",
        "koubou estimate tasks/*.yaml --json | jq 'map(.estimated.cost_usd) | add'",
        "koubou estimate --operations",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.progress import progress
    from koubou.cli.say import note, print_json
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake
    from koubou.views.estimate import estimate_shape
    from koubou.views.estimating import Estimating

    if bool(arguments.files) == arguments.operations:
        raise UsageMistake("estimate takes task files, or --operations\nTry: koubou estimate --help")
    workshop = workshop_of(arguments)
    if arguments.operations:
        return _print_operations(workshop.settings, arguments.json)
    if arguments.operation is not None:
        _check_operation(arguments.operation, workshop.settings)
    estimating = Estimating(workshop, arguments.operation)
    # All are read before the first is told of, as submit checks all before it drops one.
    with progress("estimating files") as so_far:
        files = so_far.each(arguments.files)
        estimates = [estimate for file in files for estimate in estimating.of_file(file)]
    if arguments.json:
        print_json([estimate_shape(estimate, estimating.notes) for estimate in estimates])
        return 0
    for number, estimate in enumerate(estimates):
        print("\n" * bool(number) + "\n".join(_lines(estimate)))
    if len(estimates) > 1:
        print(f"\n{_together(estimates)}")
    for remark in estimating.notes:
        note(remark)
    return 0


def _check_operation(name: str, settings: Settings) -> None:
    from koubou.documents.checking import nearest
    from koubou.errors import UsageMistake

    if name not in settings.operations:
        near = nearest(name, settings.operations)
        hint = f'; did you mean "{near}"?' if near else f"; there are {', '.join(settings.operations)}"
        raise UsageMistake(f'no operation "{name}"{hint}')


def _lines(estimate: Estimate) -> Iterator[str]:
    from koubou.cli.say import one_line, paint

    title = f": {one_line(estimate.title)}" if estimate.title else ""
    number = f", document {estimate.document}" if estimate.document > 1 else ""
    yield paint(f"{one_line(estimate.id or estimate.file)}{number}{title}", "bold")
    yield f"  task       {estimate.type}; {estimate.difficulty} (score {estimate.score}); {estimate.sensitivity}"
    for reason in estimate.route:
        yield f"             {reason.rule}: {one_line(reason.reason)}"
    word, colour = {True: ("fits", "green"), False: ("no room", "red"), None: ("waits", "yellow")}[estimate.fits]
    if estimate.call is not None:
        yield from _call(estimate.call)
    yield f"  {paint(word, colour)}{' ' * (11 - len(word))}{one_line(estimate.verdict)}"
    if estimate.call is not None:
        yield f"  such fit   {_many(estimate.call.how_many)}"
        for room in () if estimate.call.never else estimate.call.rooms:
            yield f"             {one_line(room.account)}: {_many(room.fit)} by {room.dimension}"
    for note in estimate.notes:
        yield f"  note       {one_line(note)}"


def _together(estimates: Sequence[Estimate]) -> str:
    from koubou.cli.say import money

    calls = [estimate.call for estimate in estimates if estimate.call is not None]
    probably, held = sum(call.cost for call in calls), sum(call.hold.usd for call in calls)
    return f"{len(estimates)} documents: probably {money(probably)} together, at most {money(held)} for the first calls"


def _call(call: Call) -> Iterator[str]:
    from koubou.cli.say import money

    used, read = call.usage, call.hold.tokens - call.cap
    kind = f", as {call.operation.name} usually writes" if call.operation else ""
    yield f"  tier       {call.tier.name} ({call.tier.model})"
    yield f"  probably   {money(call.cost)}: {used.input_tokens:,} tokens in, {used.output_tokens:,} out{kind}"
    yield f"  held       {money(call.hold.usd)}: for at most {read:,} tokens in, {call.cap:,} out"


def _many(count: int | None) -> str:
    return "any number" if count is None else f"{count:,}"


def _print_operations(settings: Settings, as_json: bool) -> int:
    from koubou.cli.say import money, print_json
    from koubou.cli.table import print_table
    from koubou.config.operations import operations_of
    from koubou.model.call import Usage
    from koubou.model.money import usd
    from koubou.rules.price import cost
    from koubou.views.rehearse import tiers_of

    tiers = tiers_of(settings)
    prices = {name: tier.price for name, tier in tiers.items() if tier.price is not None}
    rows: list[tuple[Any, dict[str, int]]] = []
    for operation in operations_of(settings.operations).values():
        used = Usage(input_tokens=operation.input_tokens, output_tokens=operation.output_tokens)
        rows.append((operation, {name: cost(used, price) for name, price in prices.items()}))
    if as_json:
        print_json(
            [
                {
                    "operation": operation.name,
                    "type": operation.type,
                    "input_tokens": operation.input_tokens,
                    "output_tokens": operation.output_tokens,
                    "cost_usd": {name: usd(amount) for name, amount in costs.items()},
                }
                for operation, costs in rows
            ]
        )
        return 0
    heads = ("OPERATION", "TYPE", "INPUT", "OUTPUT", *prices)
    cells: Sequence[Sequence[str]] = [
        (
            operation.name,
            operation.type,
            f"{operation.input_tokens:,}",
            f"{operation.output_tokens:,}",
            *map(money, costs.values()),
        )
        for operation, costs in rows
    ]
    print_table(heads, cells, right=heads[2:])
    return 0
