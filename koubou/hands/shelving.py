"""The shelving: completes the papers of tasks that have ended, and puts their folders on the shelf, durably."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from koubou.folders.layout import Layout
from koubou.folders.shelve import file_away
from koubou.hands.line import Line
from koubou.hands.records import record_of
from koubou.model.request_json import request_from_json
from koubou.rules import paper
from koubou.wire.hand_messages import NotShelved, Shelve, Shelved

_THREADS = 4
"""Each waits for the disk most of its time; the journal of the file system commits their fsyncs together."""


def serve(line: Line) -> None:
    """Shelve until the wire ends; what is under way then is finished."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="shelving") as pool:
        while heard := line.hear():
            for message in heard:
                if isinstance(message, Shelve):
                    pool.submit(_shelve_and_say, line, message)


def _shelve_and_say(line: Line, asked: Shelve) -> None:
    try:
        shelve(asked)
    except OSError as error:
        line.say([NotShelved(task=asked.task, reason=error.strerror or str(error))])
    except Exception as error:  # noqa: BLE001 - a bug over one task is told to the master, and the hand goes on
        line.say([NotShelved(task=asked.task, reason=f"a bug: {type(error).__name__}; please report it")])
    else:
        line.say([Shelved(task=asked.task)])


def shelve(asked: Shelve) -> None:
    """Write a task's papers and move its folder; doing it again does nothing. Raises OSError."""
    layout = Layout(home=asked.home)
    # A folder is made anew only for a task that never ran: only then are its attachments needed.
    request = request_from_json(asked.request)
    if not asked.completed:
        files = {"error.json": paper.as_bytes(asked.paper)}
        file_away(layout, asked.task_id, asked.source, "failed", files, request.attachments, asked.owner)
        return
    shelved = os.path.exists(f"{layout.task_folder('completed', asked.task_id)}/output.json")
    if shelved and not os.path.exists(layout.task_folder("in_progress", asked.task_id)):
        return  # it stands there whole: only the word of it was lost
    record = record_of(layout, asked.task_id, asked.run)
    if record is None:
        raise FileNotFoundError(f"run {asked.run} of {asked.task_id} has no record")
    output = paper.with_answer(asked.paper, request.expect, record.result, record.answer)
    files = {
        "output.json": paper.as_bytes(output),
        "output.md": paper.markdown(output).encode("utf-8", "replace"),
    }
    file_away(layout, asked.task_id, asked.source, "completed", files, request.attachments, asked.owner)
