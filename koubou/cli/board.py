"""koubou board: a copy of it while it is in use, questions to it, whether it is whole, and putting a copy back."""

from __future__ import annotations

import argparse
import os

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument(
        "what", choices=("backup", "sql", "check", "restore"), help="copy it, ask it, check it, put it back"
    )
    parser.add_argument("words", metavar="FILE | QUERY", nargs="?", help="the copy's file; or one SELECT")
    parser.add_argument("--json", action="store_true", help="one JSON value; of sql a list of objects")
    parser.examples(
        "koubou board backup /backup/koubou-$(date +%F).db",
        "koubou board check                         pages, sums, folders; exit code 1 where anything is wrong",
        "koubou board restore /backup/koubou-2026-11-21.db",
        'koubou board sql "SELECT status, COUNT(*) FROM task_master GROUP BY status"',
        "The views: task_master cost_tracking budget_management workers monthly_usage budget_config",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import caring
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake

    if (arguments.what == "check") != (arguments.words is None):
        takes = {"sql": "one QUERY", "check": "no FILE"}.get(arguments.what, "one FILE")
        raise UsageMistake(f"board {arguments.what} takes {takes}\nTry: koubou board --help")
    match arguments.what:
        case "backup":
            return _backup(arguments)
        case "check":
            return caring.check(arguments, workshop_of(arguments))
        case "restore":
            return caring.restore(arguments, workshop_of(arguments))
    return _sql(arguments)


def _backup(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from koubou.cli import exits
    from koubou.cli.progress import progress
    from koubou.cli.say import note, print_json
    from koubou.cli.workshop import workshop_of

    target = Path(arguments.words)
    workshop = workshop_of(arguments)
    with workshop.reading() as board:
        if os.path.lexists(target):
            note(f"{target} is there already: nothing is written over it; name another file")
            return exits.CANNOT_CREATE
        try:
            with progress("copying the board"):
                board.back_up(target)
        except OSError as error:
            note(f"{target}: the copy cannot be made: {error.strerror or error}")
            return exits.CANNOT_CREATE
    size = target.stat().st_size
    if arguments.json:
        print_json({"file": str(target), "bytes": size})
    else:
        print(f"{target}: {size:,} bytes")
    return exits.DONE


def _sql(arguments: argparse.Namespace) -> int:
    from koubou.cli.progress import progress
    from koubou.cli.say import print_json
    from koubou.cli.table import print_table
    from koubou.cli.workshop import workshop_of

    with workshop_of(arguments).reading() as board, progress("asking the board"):
        columns, rows = board.ask(arguments.words)
    if arguments.json:
        print_json([dict(zip(columns, map(_plain, row), strict=True)) for row in rows])
    elif columns:
        numbers = [
            name for at, name in enumerate(columns) if rows and all(isinstance(row[at], int | float) for row in rows)
        ]
        print_table(
            columns, [["–" if cell is None else str(_plain(cell)) for cell in row] for row in rows], right=numbers
        )
    return 0


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
