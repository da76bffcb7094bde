"""Sets the master up in the one safe order: settings, folders, lock, board, old crew, socket, READY; then runs it."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from koubou import __version__, crash
from koubou.board.board import Board
from koubou.board.connection import open_for_writing
from koubou.errors import UsageMistake
from koubou.folders.layout import Layout
from koubou.journal import Journal
from koubou.leash.kernel import become_subreaper
from koubou.master import lock
from koubou.master.control import Control
from koubou.master.loop import Master
from koubou.master.mishaps import Mishaps
from koubou.master.nursery import Nursery
from koubou.master.recover import OldCrew, lost_worker, lost_workers
from koubou.master.signals import release_signals
from koubou.master.source import Source
from koubou.master.systemd import Notifier
from koubou.model.heard import Heard

_PRIVATE_UMASK = 0o077
_VALUES_BETWEEN_COLLECTIONS = 50_000
_BOARD_OPENS_WITHIN = 600_000_000
"""Microseconds; a large board of an older version is copied and brought up to date first."""


def serve(config: Path | None, overrides: Mapping[str, str]) -> int:
    """Serve a workshop until told to stop; the exit status. Raises KoubouError for what an operator must mend."""
    faulthandler.enable()  # a watchdog's SIGABRT leaves in the journal where it hung
    if crash.is_refused(os.environ):
        raise UsageMistake(f"{crash.WISH} is for the tests of Koubou: unset it")
    source = Source(config, overrides)
    settings = source.settings
    os.umask(_PRIVATE_UMASK)
    become_subreaper()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    layout = Layout(home=str(settings.home))
    layout.ensure()
    held = [lock.take(layout.run), lock.take_home(layout.home)]
    journal = Journal(form=settings.log.format, level=settings.log.level)
    nursery = Nursery()
    nursery.open()  # it loads while the board is opened
    try:
        asyncio.run(_serve(source, layout, journal, nursery))
    finally:
        nursery.close()
        journal.close()
        for descriptor in held:
            os.close(descriptor)
    return 0


async def _serve(source: Source, layout: Layout, journal: Journal, nursery: Nursery) -> None:
    notifier = Notifier(os.environ)
    notifier.say("STATUS=opening the board", f"EXTEND_TIMEOUT_USEC={_BOARD_OPENS_WITHIN}")
    board = Board(open_for_writing(Path(layout.board) / "koubou.db"))
    master = Master(board, source, journal, notifier)
    master.crew.children.are_forked_by(nursery)
    # The handlers stand before the first worker is started: its bell must not end us.
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(Mishaps(journal))
    loop.add_signal_handler(signal.SIGTERM, master.end)
    loop.add_signal_handler(signal.SIGINT, master.end)
    loop.add_signal_handler(signal.SIGHUP, master.reload)
    loop.add_signal_handler(signal.SIGUSR1, master.ring)
    loop.add_signal_handler(signal.SIGUSR2, master.emergency)
    release_signals()
    master.herald.starting("recovering")
    await _recover(master, board, layout, journal)
    master.write_settings()
    control = Control(layout.run, master.reception.ask, lambda: master.workshop.access)
    await control.open()
    master.model_server.start()
    master.hands.start()
    master.staffing.hire()  # for what waits: they come while the hands begin
    await master.hands.watching.wait()
    # What stands now stays; and a turn makes thousands of values that reference counting alone takes away again.
    gc.freeze()
    gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS, 10, 10)
    await master.window.obey()
    master.herald.ready()
    journal.say("system.ready", version=__version__, home=layout.home, pid=os.getpid(), python=sys.version.split()[0])
    try:
        await master.run()
    finally:
        await control.close()
        await master.close()
        board.close()
    journal.say("system.stopped")


async def _recover(master: Master, board: Board, layout: Layout, journal: Journal) -> None:
    """Account for what an earlier master left at once, but for what its workers may still finish: that in its time."""
    orphans = master.crew.orphans

    def account(words: Sequence[Heard]) -> None:
        crash.at("recovery.crew_ended")
        for word in words:
            master.hear(word)
        crash.at("recovery.heard")

    def gone(worker: str) -> None:
        orphans.end(worker, then=lambda: account(lost_worker(board, layout, worker)))

    old = master.crew.old = OldCrew(journal, gone=gone)
    living = old.end(board.crew.alive(), master.workshop.workers.orphan_grace)
    await orphans.end_old()
    if lost := lost_workers(board, layout, but=living):
        account(lost)
