"""The shelving: completes the papers of ended tasks, puts their folders on the shelf, and takes old ones away."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

from koubou import crash
from koubou.backends.rooms import tidy
from koubou.folders.layout import Layout
from koubou.folders.shelve import Shelf, file_away, sync_shelves
from koubou.hands.line import Line
from koubou.hands.looking import Looking
from koubou.hands.records import record_of
from koubou.hands.removing import Removing
from koubou.model.policy import Flag
from koubou.model.request_json import request_from_json
from koubou.rules import paper
from koubou.rules.classify import Detect
from koubou.rules.examine import detected_in_answer
from koubou.wire.hand_messages import NotShelved, Prepare, Remove, Shelve, Shelved, Sweep

_THREADS = 4
"""Each waits for the disk most of its time; the journal of the file system commits their fsyncs together."""


def serve(line: Line) -> None:
    """Shelve until the wire ends; what has been asked for by then is finished."""
    removing = Removing(line)
    looking = Looking()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="shelving") as pool:
        while heard := line.hear():
            asked = [message for message in heard if isinstance(message, Shelve)]
            for message in heard:
                if isinstance(message, Remove | Sweep):
                    removing.ask(message)
                elif isinstance(message, Prepare):
                    looking.begin(message.rule_cache)
            if not asked:
                continue
            words = list(pool.map(lambda message: _tried(message, looking.scan), asked))
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


def _tried(asked: Shelve, detect: Detect | None) -> Shelved | NotShelved:
    try:
        flags = shelve(asked, detect)
    except OSError as error:
        return NotShelved(task=asked.task, reason=_word(error))
    except Exception as error:  # noqa: BLE001 - a bug over one task is told to the master, and the hand goes on
        return NotShelved(task=asked.task, reason=f"a bug: {type(error).__name__}; please report it")
    return Shelved(task=asked.task, flags=flags)


def shelve(asked: Shelve, detect: Detect | None = None) -> tuple[Flag, ...]:
    """Write a task's papers and move its folder; again does nothing. Raises OSError. Shelves are yet to sync.

    Returns what should not be in the answer, where nobody has told the master of it.
    """
    layout = Layout(home=asked.home)
    # A folder is made anew only for a task that never ran: only then are its attachments needed.
    request = request_from_json(asked.request)
    runs = f"{layout.task_folder('in_progress', asked.task_id)}/runs"
    if not asked.completed:
        tidy(runs, answered=None)
        files = {"error.json": paper.as_bytes(asked.paper)}
        file_away(layout, asked.task_id, asked.source, _shelf(asked), files, request.attachments, asked.owner)
        return ()
    shelved = f"{layout.task_folder('completed', asked.task_id)}/output.json"
    if os.path.exists(shelved) and not os.path.exists(layout.task_folder("in_progress", asked.task_id)):
        return _flags_of(shelved)  # it stands there whole: only the word of it was lost
    record = record_of(layout, asked.task_id, asked.run)
    if record is None:
        raise FileNotFoundError(f"run {asked.run} of {asked.task_id} has no record")
    flags = record.result.findings or _detected(record.answer, detect)
    output = paper.with_answer(asked.paper, request.expect, record.result, record.answer, flags)
    if record.changes is not None:
        output["changes"] = paper.changes(record.changes, asked.run)
    files = {
        "output.json": paper.as_bytes(output),
        "output.md": paper.markdown(output).encode("utf-8", "replace"),
    }
    tidy(runs, answered=asked.run)
    file_away(layout, asked.task_id, asked.source, _shelf(asked), files, request.attachments, asked.owner)
    # Of a whole answer the master knows what our own rules saw, and has told it.
    return () if record.result.answered and record.result.findings else flags


def _detected(answer: str, detect: Detect | None) -> tuple[Flag, ...]:
    """What only the detector sees. Where it fails, the answer is flagged for that: filed, and kept in the house."""
    try:
        return () if detect is None else detected_in_answer(answer, detect)
    except Exception as error:  # noqa: BLE001 - see above
        return (Flag(category="unexamined", rule=type(error).__name__, line=1),)


def _flags_of(path: str) -> tuple[Flag, ...]:
    with open(path, "rb") as file:
        return tuple(Flag(**flag) for flag in json.load(file).get("flags", ()))


def _shelf(asked: Shelve) -> Shelf:
    return "completed" if asked.completed else "failed"


def _word(error: OSError) -> str:
    return error.strerror or type(error).__name__
