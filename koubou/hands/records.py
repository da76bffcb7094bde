"""What a run's worker left, wherever the task's folder stands."""

from __future__ import annotations

import json
from collections.abc import Sequence

from koubou.errors import ProtocolError
from koubou.folders.bounded import read_small
from koubou.folders.layout import Layout
from koubou.folders.shelve import LARGEST_RECORD, read_record
from koubou.model.call import CallResult
from koubou.model.call_lines import NAME, results_of
from koubou.wire.record import Record, decode_record


def record_of(layout: Layout, task_id: str, run: int) -> Record | None:
    """The record of a run that is at work or waits to be shelved; None when there is no whole one. Raises OSError."""
    found = read_record(f"{layout.task_folder('in_progress', task_id)}/runs/{run}")
    try:
        return None if found is None else decode_record(json.dumps(found).encode())
    except ProtocolError:
        return None


def calls_left(layout: Layout, task_id: str, run: int) -> Sequence[CallResult]:
    """How the calls of an agent's run ended, as far as its worker left a line of them. Raises OSError."""
    data = read_small(f"{layout.task_folder('in_progress', task_id)}/runs/{run}/{NAME}", LARGEST_RECORD)
    return () if data is None else results_of(data)
