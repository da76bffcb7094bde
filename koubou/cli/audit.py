"""koubou audit: who changed what, from where, and whether the history is what it was."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser
from koubou.errors import UsageMistake
from koubou.views.ages import time_of

if TYPE_CHECKING:
    from koubou.board.audit import AuditLine

_WORDS = {
    "verify": "follow the hashes from line to line, and say where they break (when no word is given)",
    "list": "the lines of the history, the newest last",
}
_A_SCREENFUL = 40


def declare(parser: Parser) -> None:
    parser.examples(
        "koubou audit verify                          # exit code 1 where a line was changed or taken away",
        "koubou audit verify --json | jq -r .head     # keep it elsewhere, where whoever writes the board cannot write",
        "koubou audit verify --since-head 812:3f0c…   # is the history still the one in which that was the last line?",
        "koubou audit list --actor kim --since 7d",
        "koubou audit list --event token --json",
    )
    _since_head(parser, None)
    words = parser.add_subparsers(dest="what", metavar="WORD", parser_class=Parser)
    for word, line in _WORDS.items():
        inner = words.add_parser(
            word,
            help=line,
            description=f"{line[0].upper()}{line[1:]}.",
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS if word == "verify" else None,
        )
        if word == "verify":
            _since_head(inner, argparse.SUPPRESS)
            continue
        inner.add_argument("--json", action="store_true", help="one JSON list")
        inner.add_argument("--actor", metavar="NAME", help="lines of one user or token: kim, token:ci, koubou")
        inner.add_argument(
            "--event", metavar="EVENT", help="task.released, or all beneath a word: token, budget, access"
        )
        inner.add_argument("--since", metavar="AGE", help="within this time (30m, 2h, 7d), or since an ISO 8601 time")
        inner.add_argument("--task", metavar="ID", help="of one task")
        inner.add_argument("--limit", type=int, metavar="N", help=f"so many of the newest ({_A_SCREENFUL}), 0 = all")


def _since_head(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON value")
    help_line = "also say whether this head, kept from an earlier run, is in the chain"
    parser.add_argument("--since-head", metavar="HEAD", default=default, help=help_line)


def run(arguments: argparse.Namespace) -> int:
    return _list(arguments) if arguments.what == "list" else _verify(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits, say
    from koubou.cli.workshop import workshop_of
    from koubou.rules.chain import follow, head_of
    from koubou.views.looking import reading

    kept = None
    if arguments.since_head is not None and (kept := head_of(arguments.since_head)) is None:
        raise UsageMistake("--since-head takes a head as koubou audit verify prints it")
    with reading(workshop_of(arguments), "audit", "its guardian can") as board, board.picture():
        found = follow(board.audit.pieces(), board.audit.counted(), kept)
    head = f"{found.head_id}:{found.head}"
    good = found.broken is None and found.since is not False
    if arguments.json:
        counts = {"proven": found.proven, "unproven": found.unproven, "removed": found.removed}
        say.print_json({"ok": good, "broken": found.broken, "head": head, "since_head": found.since, **counts})
        return exits.DONE if good else exits.FAILED
    if found.broken is not None:
        print(f"broken: {found.broken}")
    if found.since is False:
        print("the kept head is not in the chain: the history was changed, or that line has gone with its task")
    older = f", {found.unproven:,} are older than the chain" if found.unproven else ""
    gone = f", {found.removed:,} have gone with their tasks" if found.removed else ""
    print(f"{found.proven:,} lines are proven{older}{gone}")
    print(f"head {head}")
    return exits.DONE if good else exits.FAILED


def _list(arguments: argparse.Namespace) -> int:
    from koubou.board.audit import Wanted
    from koubou.cli import say
    from koubou.cli.workshop import workshop_of
    from koubou.views.looking import reading

    now = say.now()
    limit = arguments.limit if arguments.limit is not None else (0 if arguments.json else _A_SCREENFUL)
    if limit < 0:
        raise UsageMistake("--limit takes a number of lines, 0 for all")
    since = time_of("--since", arguments.since, now)
    wanted = Wanted(actor=arguments.actor, event=arguments.event, since=since, task=arguments.task)
    with reading(workshop_of(arguments), "audit", "its guardian can") as board, board.picture():
        lines = board.audit.lines(wanted, limit or -1)
    if arguments.json:
        say.print_json([_shape(line) for line in lines])
        return 0
    _print(lines, now)
    return 0


def _shape(line: AuditLine) -> dict[str, Any]:
    from koubou.model.instant import iso

    return {
        "id": line.id,
        "task": line.task,
        "at": iso(line.at),
        "event": line.event,
        "reason": line.reason,
        "actor": line.actor,
        "source": line.source,
        "hash": None if line.hash is None else line.hash.hex(),
    }


def _print(lines: list[AuditLine], now: int) -> None:
    from koubou.cli import say
    from koubou.cli.table import print_table

    if not lines:
        print("No lines.")
        return
    rows = [
        (
            str(line.id),
            say.when(line.at, now),
            line.actor,
            line.source or "–",
            line.event,
            line.task or "–",
            line.reason,
        )
        for line in lines
    ]
    print_table(("LINE", "AT", "WHO", "FROM", "EVENT", "TASK", "WHAT"), rows, right=("LINE",))
