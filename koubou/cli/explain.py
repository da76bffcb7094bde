"""koubou explain: why a task is where it is, by which rule and numbers, and what changes that."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.views.explain import Explained


_BESIDES = frozenset(
    {"task.upgraded", "task.judged", "task.incomplete", "task.rated", "guardrail.flagged", "guardrail.noted"}
)
_MOST_BESIDES = 12


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou explain fix-login-123")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.explain import explained, explained_shape, needs_the_master
    from koubou.views.find import find
    from koubou.views.looking import reading
    from koubou.views.status import said_by_master

    workshop = workshop_of(arguments)
    with reading(workshop, "explain", f"koubou show {arguments.id} tells where it stands and why") as board:
        found = find(workshop, board, arguments.id)
        why = explained(workshop, board, found, said_by_master(workshop) if needs_the_master(found) else {})
    if arguments.json:
        print_json(explained_shape(why))
    else:
        _print(why)
    return 0


def _print(why: Explained) -> None:
    from koubou.cli import say

    task = why.task
    parked = f", parked: {task.park.reason}" if task.park else ""
    print(f"{say.paint(task.id, 'bold')} is {task.status}{parked}")
    for sentence in why.now:
        print(f"  {say.one_line(sentence)}")
    if task.sensitivity is not None:
        print(f"  it is {task.sensitivity}, and its difficulty is {task.difficulty}")
    if task.route:
        print("\nHow it came here:")
        for reason in task.route:
            print(f"  {reason.rule:<22}{say.one_line(reason.reason)}")
    for line in why.released:
        print(f"  {'released':<22}{say.one_line(line.reason)}")
    if events := [line for line in why.history if line.event in _BESIDES]:
        print("\nWhat else came of it:")
        for line in events[-_MOST_BESIDES:]:
            print(f"  {line.event:<22}{say.one_line(line.reason)}")
    if why.findings:
        print("\nWhat looks secret in it:")
        for seen in why.findings:
            sample = f": {say.one_line(seen.sample)}…" if seen.sample else ""
            print(f"  {seen.category:<22}{seen.where}, line {seen.line}{sample} ({seen.rule})")
    if why.guardrails:
        print("\nWhat the guardrails noted:")
        for seen in why.guardrails:
            print(f"  {seen.category:<22}{seen.where}, line {seen.line} ({seen.rule})")
