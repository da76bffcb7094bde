"""The shelving: completes the papers of ended tasks, puts their folders on the shelf, and takes old ones away."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from koubou import crash
from koubou.folders.layout import Layout
from koubou.folders.shelve import Shelf, file_away, sync_shelves
from koubou.hands.line import Line
from koubou.hands.records import record_of
from koubou.hands.removing import Removing
from koubou.model.request_json import request_from_json
from koubou.rules import paper
from koubou.wire.hand_messages import NotShelved, Remove, Shelve, Shelved, Sweep

_THREADS = 4
"""Each waits for the disk most of its time; the journal of the file system commits their fsyncs together."""


def serve(line: Line) -> None:
    """Shelve until the wire ends; what has been asked for by then is finished."""
    removing = Removing(line)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="shelving") as pool:
        while heard := line.hear():
            asked = [message for message in heard if isinstance(message, Shelve)]
            for message in heard:
                if isinstance(message, Remove | Sweep):
                    removing.ask(message)
            if not asked:
                continue
            words = list(pool.map(_tried, asked))
            # What came together is made durable together: one sync of each shelf for all of them.
            shelves = {_shelf(message) for message in asked}
            crash.at("shelving.moved")
            try:
                sync_shelves(Layout(home=asked[0].home), shelves)
            except OSError as error:
                words = [NotShelved(task=message.task, reason=_word(error)) for message in asked]
            crash.at("shelving.synced")
            line.say(words)
            crash.at("shelving.told")


def _tried(asked: Shelve) -> Shelved | NotShelved:
    try:
        shelve(asked)
    except OSError as error:
        return NotShelved(task=asked.task, reason=_word(error))
    except Exception as error:  # noqa: BLE001 - a bug over one task is told to the master, and the hand goes on
        return NotShelved(task=asked.task, reason=f"a bug: {type(error).__name__}; please report it")
    return Shelved(task=asked.task)


def shelve(asked: Shelve) -> None:
    """Write a task's papers and move its folder; again does nothing. Raises OSError. Shelves are yet to sync."""
    layout = Layout(home=asked.home)
    # A folder is made anew only for a task that never ran: only then are its attachments needed.
    request = request_from_json(asked.request)
    if not asked.completed:
        files = {"error.json": paper.as_bytes(asked.paper)}
        file_away(layout, asked.task_id, asked.source, _shelf(asked), files, request.attachments, asked.owner)
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
    file_away(layout, asked.task_id, asked.source, _shelf(asked), files, request.attachments, asked.owner)


def _shelf(asked: Shelve) -> Shelf:
    return "completed" if asked.completed else "failed"


def _word(error: OSError) -> str:
    return error.strerror or type(error).__name__
