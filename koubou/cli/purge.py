"""koubou purge: remove everything of ended tasks but their bare ids and what they cost."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from koubou.cli.directly import Ask

_PAUSE = 0.05
_PATIENCE = 60.0
_AT_ONCE = 500


def declare(parser: Parser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="+", help="the tasks; they must have ended")
    parser.add_argument("--yes", action="store_true", help="do it, without asking: there is no way back")
    parser.add_argument("--json", action="store_true", help="one JSON list: what was done to each")
    parser.examples(
        "koubou purge fix-login-123                 folder, text, answer, findings and history are removed",
        "koubou list --session trial --json | jq -r '.[].id' | xargs koubou purge --yes",
        "The ledger and the bare id stay: what was spent was spent, and the same file is known again.",
        "Copies of the board that were made before (koubou board backup, board/backups/) keep what they have.",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits
    from koubou.cli.change import named, tell_each
    from koubou.cli.directly import asking
    from koubou.cli.progress import progress
    from koubou.cli.workshop import workshop_of

    workshop = workshop_of(arguments)
    ids = named(workshop, arguments.ids)
    if not arguments.yes and not _agreed(ids):
        return exits.FAILED
    with progress("removing"), asking(workshop) as ask:
        results = [each for at in range(0, len(ids), _AT_ONCE) for each in _purge(ask, ids[at : at + _AT_ONCE])]
    return tell_each(results, arguments.json, "purged")


def _agreed(ids: Sequence[str]) -> bool:
    from koubou.cli.say import note

    these = ids[0] if len(ids) == 1 else f"these {len(ids)} tasks"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        note(f"nothing was done; add --yes to remove everything of {these}: there is no way back")
        return False
    try:
        asked = input(f"Remove everything of {these}? There is no way back. [y/N] ")
    except EOFError:
        return False
    return asked.strip().lower() in ("y", "yes")


def _purge(ask: Ask, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Ask until each is purged or refused; what takes too long is said to be under way."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        results: list[dict[str, Any]] = ask("purge", ids=list(ids))["results"]
        waiting = [each for each in results if each["ok"] and each["message"] != "purged"]
        if not waiting:
            return results
        if time.monotonic() > deadline:
            for each in waiting:
                each.update(ok=False, message="is not removed yet: it stays owed, and the journal says why")
            return results
        time.sleep(_PAUSE)
