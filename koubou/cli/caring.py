"""Is the board whole, and in step with the folders? And putting a copy in its place: koubou board check and restore."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from koubou.views.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from koubou.board.care import Trouble

_LOOK_AGAIN = 0.5
_MOST_SHOWN = 50
_SHELVES = ("completed", "failed")


def check(arguments: argparse.Namespace, workshop: Workshop) -> int:
    """Say what is wrong; FAILED where anything is."""
    from koubou.cli import exits
    from koubou.cli.progress import progress
    from koubou.cli.say import print_json

    with progress("looking at every page, sum and folder"):
        troubles = _lasting_troubles(workshop)
    if arguments.json:
        found = [{"kind": each.kind, "where": each.where, "what": each.what} for each in troubles]
        print_json({"ok": not troubles, "board": _board(workshop), "troubles": found})
        return exits.FAILED if troubles else exits.DONE
    if not troubles:
        print(f"{_board(workshop)}: whole; its accounts are the sums of the ledger; the folders agree with it")
        return exits.DONE
    for trouble in troubles[:_MOST_SHOWN]:
        print(f"{trouble.kind:<8} {trouble.where}: {trouble.what}")
    if len(troubles) > _MOST_SHOWN:
        print(f"… and {len(troubles) - _MOST_SHOWN} more: --json shows all")
    for kind, remedy in _REMEDIES.items():
        if any(trouble.kind == kind for trouble in troubles):
            print(f"\n{kind}: {remedy}")
    return exits.FAILED


_REMEDIES = {
    "pages": "the file is damaged; stop the workshop, then koubou board restore FILE (your copies, or board/backups/)",
    "money": "an account and its lines differ: a bug; please report it with what koubou board check --json says",
    "folder": "move away what nobody knows; where a folder is missing its answer is lost: submit the task again",
}


def _lasting_troubles(workshop: Workshop) -> list[Trouble]:
    troubles = _troubles(workshop)
    if workshop.served and any(trouble.kind in ("folder", "runs") for trouble in troubles):
        # Between a folder and its row there is a moment while the workshop is at work: what stays wrong is wrong.
        time.sleep(_LOOK_AGAIN)
        again = set(_troubles(workshop))
        troubles = [trouble for trouble in troubles if trouble in again]
    return troubles


def restore(arguments: argparse.Namespace, workshop: Workshop) -> int:
    """Put a copy in the board's place, while nobody serves the workshop."""
    from koubou.board.care import restore as put_back
    from koubou.cli import exits
    from koubou.cli.directly import locked
    from koubou.cli.progress import progress
    from koubou.cli.say import note, print_json
    from koubou.errors import BoardUnusable, WorkshopTaken
    from koubou.model.instant import iso

    copy, board = Path(arguments.words), Path(_board(workshop))
    if not copy.exists():
        raise FileNotFoundError(2, "there is no such file", str(copy))
    if copy.resolve() == board.resolve():
        note(f"{copy} is the board itself; name a copy of it")
        return exits.USAGE
    workshop.layout.ensure()
    try:
        with locked(workshop), progress("examining the copy, and putting it in place"):
            aside, known_until = put_back(copy, board)
    except WorkshopTaken as error:
        raise WorkshopTaken(f"{error}; stop it first: systemctl stop koubou") from None
    except BoardUnusable as error:
        note(str(error))
        return exits.BAD_TASK_FILE
    until = iso(known_until) if known_until is not None else None
    if arguments.json:
        print_json({"board": str(board), "from": str(copy), "aside": str(aside) if aside else None, "until": until})
        return exits.DONE
    print(f"{board}: put back from {copy}" + (f"; it knows what happened until {until}" if until else ""))
    if aside is not None:
        print(f"{aside}: the board that was there; remove it when you are content")
    print("What was done and spent since then is not in it: koubou board check compares the folders with it,")
    print("koubou budget reconcile the provider's bill. Then: koubou serve")
    return exits.DONE


def _board(workshop: Workshop) -> str:
    return f"{workshop.layout.board}/koubou.db"


def _troubles(workshop: Workshop) -> list[Trouble]:
    import sqlite3
    from contextlib import closing

    from koubou.board.care import Trouble, known_tasks, shelved_tasks
    from koubou.board.care import check as check_board
    from koubou.board.connection import open_for_reading

    served = workshop.served
    folders = {shelf: _folders(workshop, shelf) for shelf in _SHELVES}  # before the board: it is the later truth
    with closing(open_for_reading(Path(_board(workshop)), served=served)) as connection:
        troubles = check_board(connection, served=served)
        try:
            known, shelved = known_tasks(connection), shelved_tasks(connection)
        except sqlite3.DatabaseError:
            return troubles
    if any(folders[shelf] is None for shelf in _SHELVES):
        return [*troubles, Trouble(kind="folder", where=workshop.layout.tasks, what="its shelves cannot be read")]
    places = {task_id.lower(): (task_id, known[task_id]) for task_id in known}
    for shelf in _SHELVES:
        for name in sorted(folders[shelf] or ()):
            if name.lower() not in places:
                what = "stands there, and the board knows no such task"
                troubles.append(Trouble(kind="folder", where=f"{shelf}/{name}", what=what))
            elif places[name.lower()][1].removed:
                what = "stands there, and by the board it was removed"
                troubles.append(Trouble(kind="folder", where=f"{shelf}/{name}", what=what))
    troubles += _missing(workshop, shelved)
    return troubles


def _missing(workshop: Workshop, shelved: Mapping[str, str]) -> Iterator[Trouble]:
    from koubou.board.care import Trouble

    for task_id, status in shelved.items():
        shelf, paper = ("completed", "output.json") if status == "completed" else ("failed", "error.json")
        if not os.path.lexists(f"{workshop.layout.task_folder(shelf, task_id)}/{paper}"):
            what = f"is {status} by the board, and its {paper} is not there"
            yield Trouble(kind="folder", where=f"{shelf}/{task_id}", what=what)


def _folders(workshop: Workshop, shelf: str) -> frozenset[str] | None:
    try:
        names = os.listdir(f"{workshop.layout.tasks}/{shelf}")
    except FileNotFoundError:
        return frozenset()
    except OSError:
        return None
    return frozenset(name for name in names if not name.startswith("."))
