"""Whether the board is whole, and what it still owes to the world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from koubou.board.health import Health, open_health
from koubou.cli import say
from koubou.cli.doctor.finding import Area, Check, Finding
from koubou.cli.doctor.patient import Patient
from koubou.model.instant import MINUTE
from koubou.rules.latches import EMERGENCY, ended_by

BOARD = Area("board")
_LOOK_AT_MOST = 0.7
"""Seconds; a large board takes longer, and then `koubou board check` is the place."""
_OWED_TOO_LONG = 5 * MINUTE


def board(patient: Patient) -> Iterator[Finding]:
    """Its pages, and everything that is owed."""
    path = Path(patient.layout.board) / "koubou.db"
    if not path.exists():
        yield BOARD.note("board", "there is none yet", "koubou serve makes it")
        return
    with closing(open_health(path, served=patient.master.held)) as health:
        yield _whole(health)
        yield from _runs(health, patient.master.held)
        yield from _filings(health, patient.master.held)
        yield from _notices(health)
        yield from _stopped(health)


CHECKS: tuple[Check, ...] = (board,)


def _whole(health: Health) -> Finding:
    found = health.first_damage(_LOOK_AT_MOST)
    if found is None:
        return BOARD.note("pages", "it is too large for a quick look", "koubou board check looks at all of it")
    if found:
        return BOARD.error("pages", f"the board is damaged: {found}", "stop the service; koubou board restore FILE")
    return BOARD.ok("pages", f"whole, version {health.version()}")


def _runs(health: Health, served: bool) -> Iterator[Finding]:
    open_runs, overdue = health.runs(say.now())
    if not served and open_runs:
        yield BOARD.note("runs", f"{open_runs} runs were cut; the next start accounts for them")
    elif overdue:
        says = f"{overdue} runs are at work beyond their time"
        yield BOARD.warning("runs", says, "koubou status shows the workers; the journal says worker.hanging")
    else:
        yield BOARD.ok("runs", f"{open_runs} at work" if open_runs else "none left over")


def _filings(health: Health, served: bool) -> Iterator[Finding]:
    owed, oldest = health.filings()
    if not owed or oldest is None:
        yield BOARD.ok("filings", "every answer stands on its shelf")
    elif served and say.now() - oldest > _OWED_TOO_LONG:
        says = f"{owed} answers are owed to their shelves, the oldest for {say.lasting(say.now() - oldest)}"
        yield BOARD.warning("filings", says, "space, modes and owners above; the journal says shelving.fault")
    else:
        yield BOARD.note("filings", f"{owed} answers are on their way to their shelves")


def _notices(health: Health) -> Iterator[Finding]:
    owed, oldest = health.notices()
    if not owed or oldest is None:
        yield BOARD.ok("notices", "the guardian knows all that he was to be told")
    elif say.now() - oldest > _OWED_TOO_LONG:
        says = f"{owed} notices have not reached the guardian, the oldest for {say.lasting(say.now() - oldest)}"
        yield BOARD.warning("notices", says, "docs/guardian.md; the journal says guardian.unreachable")
    else:
        yield BOARD.note("notices", f"{owed} notices are on their way to the guardian")


def _stopped(health: Health) -> Iterator[Finding]:
    latches = health.latches()
    told = f"until a person says otherwise: {'; '.join(f'{name} ({reason})' for name, reason in latches.items())}"
    if EMERGENCY in latches:
        yield BOARD.error("stopped", f"nothing starts, {told}", ended_by(EMERGENCY))
    elif latches:
        yield BOARD.warning("stopped", told, "; ".join(dict.fromkeys(map(ended_by, latches))))
