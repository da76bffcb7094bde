"""Taking away files in a thread of its own, one thing after the other, so that no answer waits for it."""

from __future__ import annotations

import queue
import threading

from koubou.folders.layout import Layout
from koubou.folders.remove import remove_rejected, remove_runs, remove_task
from koubou.hands.line import Line
from koubou.model.retention import Removal
from koubou.wire.hand_messages import NotRemoved, Remove, Removed, Sweep, Swept

_SWEPT_AT_ONCE = 1_000


class Removing:
    """What is asked for while the wire stands is done in its order; what is left then stays owed on the board."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._asked: queue.SimpleQueue[Remove | Sweep] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="removing", daemon=True).start()

    def ask(self, message: Remove | Sweep) -> None:
        """Take this away, later."""
        self._asked.put(message)

    def _work(self) -> None:
        while True:
            asked = self._asked.get()
            word = _remove(asked) if isinstance(asked, Remove) else _sweep(asked)
            self._line.say([word])


def _remove(asked: Remove) -> Removed | NotRemoved:
    layout = Layout(home=asked.home)
    try:
        act = remove_runs if asked.what is Removal.RUNS else remove_task
        return Removed(task=asked.task, what=asked.what, freed=act(layout, asked.task_id))
    except OSError as error:
        return NotRemoved(task=asked.task, reason=_word(error))
    except Exception as error:  # noqa: BLE001 - a bug over one task must not keep the others
        return NotRemoved(task=asked.task, reason=f"a bug: {type(error).__name__}; please report it")


def _sweep(asked: Sweep) -> Swept:
    try:
        count, freed, more = remove_rejected(Layout(home=asked.home), asked.before, asked.drafts_before, _SWEPT_AT_ONCE)
    except OSError as error:
        return Swept(count=0, freed=0, more=False, reason=_word(error))
    return Swept(count=count, freed=freed, more=more)


def _word(error: OSError) -> str:
    return error.strerror or type(error).__name__
