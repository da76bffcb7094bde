"""What a run's worker left, wherever the task's folder stands."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from koubou.errors import ProtocolError
from koubou.folders.bounded import read_small
from koubou.folders.layout import Layout
from koubou.folders.shelve import read_record
from koubou.model.call import CallResult
from koubou.model.call_lines import MEMBER, NAME, results_of
from koubou.wire.record import Record, decode_record

_LARGEST = 1 << 30
"""With the bodies of its calls, if the settings wish them, the file of a long run is large."""


def record_of(layout: Layout, task_id: str, run: int) -> Record | None:
    """The record of a run that is at work or waits to be shelved; None when there is no whole one. Raises OSError."""
    found = read_record(f"{layout.task_folder('in_progress', task_id)}/runs/{run}")
    try:
        return None if found is None else decode_record(json.dumps(found).encode())
    except ProtocolError:
        return None


def calls_left(layout: Layout, task_id: str, run: int) -> Sequence[CallResult]:
    """How the calls of an agent's run ended, as far as its worker left lines of them. Raises OSError.

    A hybrid's members have folders of their own, by whose names only the worker makes any.
    """
    folder = f"{layout.task_folder('in_progress', task_id)}/runs/{run}"
    try:
        members = [name for name in os.listdir(folder) if name.startswith(MEMBER)]
    except FileNotFoundError:
        return ()
    files = (read_small(f"{folder}/{place}{NAME}", _LARGEST) for place in ("", *(f"{name}/" for name in members)))
    return [result for data in files if data is not None for result in results_of(data)]
