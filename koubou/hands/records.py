"""What a run's worker left, wherever the task's folder stands."""

from __future__ import annotations

import json

from koubou.errors import ProtocolError
from koubou.folders.layout import Layout
from koubou.folders.shelve import read_record
from koubou.wire.record import Record, decode_record


def record_of(layout: Layout, task_id: str, run: int) -> Record | None:
    """The record of a run that is at work or waits to be shelved; None when there is no whole one. Raises OSError."""
    found = read_record(f"{layout.task_folder('in_progress', task_id)}/runs/{run}")
    try:
        return None if found is None else decode_record(json.dumps(found).encode())
    except ProtocolError:
        return None
