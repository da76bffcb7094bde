"""Doing what a turn decided, after its commit. Everything here is safe to do twice."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from koubou.board.board import Board
from koubou.errors import ProtocolError
from koubou.folders.answers import read_answer
from koubou.folders.claim import Claim
from koubou.folders.layout import Layout
from koubou.folders.reject import discard, reject
from koubou.folders.shelve import file_away, open_run, read_record, reopen
from koubou.journal import Journal
from koubou.master.crew import Crew
from koubou.model.account import TaskUsage
from koubou.model.deed import CancelRun, Deed, DiscardClaim, FileAway, RejectClaim, Say, SendRun
from koubou.model.heard import Filed, Heard, RunSent, RunUnsendable
from koubou.model.run import Run
from koubou.model.status import Status
from koubou.model.task import Task, TaskRequest
from koubou.model.tier import Tier
from koubou.rules import paper
from koubou.rules.request_body import chat_body, conversation, conversation_bytes
from koubou.wire.messages import Assign, Cancel
from koubou.wire.record import Record, decode_record

_HANDS = 8
_OWED_AT_ONCE = 256
_RETRY_AFTER = 2.0


class Hands:
    """The threads that write task folders. What they have done comes back as values through `hear`."""

    def __init__(
        self,
        board: Board,
        crew: Crew,
        journal: Journal,
        *,
        hear: Callable[[Heard], None],
        claimed: Callable[[str], Claim | None],
    ) -> None:
        self._board = board
        self._crew = crew
        self._journal = journal
        self._hear = hear
        self._claimed = claimed
        self._pool = ThreadPoolExecutor(_HANDS, thread_name_prefix="hands")
        self._filing: set[int] = set()
        self._busy = 0

    @property
    def busy(self) -> int:
        """How many deeds are under way."""
        return self._busy

    @property
    def layout(self) -> Layout:
        """Where the task folders are."""
        return self._crew.workshop.layout

    def do(self, deeds: Sequence[Deed]) -> None:
        """Begin everything; return at once."""
        claims: list[Claim] = []
        for deed in deeds:
            match deed:
                case Say(event=event, level=level, fields=fields):
                    self._journal.say(event, level, **fields)
                case SendRun():
                    self._send(deed)
                case FileAway(task=seq, task_id=task_id):
                    self._file(seq, task_id)
                case CancelRun(task_id=task_id, run=run, worker=worker):
                    member = self._crew.members.get(worker)
                    if member is not None:
                        member.say(Cancel(task=task_id, run=run))
                case DiscardClaim(claim=ulid):
                    if (claim := self._claimed(ulid)) is not None:
                        claims.append(claim)
                case RejectClaim(claim=ulid, error=error):
                    if (claim := self._claimed(ulid)) is not None:
                        self._in_thread(lambda claim=claim, error=error: reject(self.layout, claim, error))  # type: ignore[misc]
        if claims:
            self._in_thread(lambda: _discard_all(self.layout, claims))

    def owed_filings(self) -> None:
        """Take up again what is owed and not under way: after a fault of the disk, or after a start."""
        for seq, task_id in self._board.tasks.owed_filings(_OWED_AT_ONCE):
            self._file(seq, task_id)

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown(wait=True)

    def _send(self, deed: SendRun) -> None:
        task = self._board.tasks.at(deed.task)
        run = self._board.runs.get(deed.task, deed.run)
        member = self._crew.members.get(deed.worker)
        if run is None or run.ended_at is not None:
            return
        if member is None or member.leaving:
            self._hear(RunUnsendable(task=deed.task, run=deed.run, reason="its worker has gone"))
            return
        source, request = self._board.tasks.request(deed.task)
        needs = self._board.tasks.needs(deed.task) if task.has_dependencies else []
        needed = {need.id.casefold(): need.id for need in needs}

        def prepared(assign: Assign | RunUnsendable) -> None:
            if isinstance(assign, RunUnsendable):
                self._hear(assign)
                return
            try:
                member.say(assign)
            except ProtocolError as error:
                self._hear(RunUnsendable(task=deed.task, run=deed.run, reason=str(error), for_good=True))
                return
            self._hear(RunSent(task=deed.task, run=deed.run))

        self._in_thread(lambda: _prepare(self.layout, task, run, member.tier, source, request, needed), prepared)

    def _file(self, seq: int, task_id: str) -> None:
        if seq in self._filing:
            return
        self._filing.add(seq)
        task = self._board.tasks.at(seq)
        source, request = self._board.tasks.request(seq)
        told = self._board.tasks.error_of(seq)
        used = self._board.ledger.usage_of_task(task_id)
        tier = self._crew.workshop.tiers.get(task.tier or "")

        def filed(_: object) -> None:
            self._filing.discard(seq)
            self._hear(Filed(task=seq))

        def failed() -> None:
            # It stays owed on the board; housekeeping comes back to it.
            asyncio.get_running_loop().call_later(_RETRY_AFTER, self._filing.discard, seq)

        self._in_thread(lambda: _shelve(self.layout, task, request, source, told, used, tier), filed, failed)

    def _in_thread(
        self,
        work: Callable[[], object],
        done: Callable[..., None] | None = None,
        failed: Callable[[], None] | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._busy += 1

        def finished(future: asyncio.Future[object]) -> None:
            self._busy -= 1
            error = future.exception()
            if error is None:
                if done is not None:
                    done(future.result())
                return
            self._journal.say("deed.fault", "error", reason=f"{type(error).__name__}: {error}")
            if failed is not None:
                failed()

        loop.run_in_executor(self._pool, work).add_done_callback(finished)


def _prepare(
    layout: Layout,
    task: Task,
    run: Run,
    tier: Tier,
    source: str,
    request: TaskRequest,
    needed: dict[str, str],
) -> Assign | RunUnsendable:
    """The run's folder and its message. What would be larger than what was held for is never sent."""
    try:
        inputs = {name: read_answer(layout, needed[wanted.casefold()]) for name, wanted in request.inputs.items()}
        messages = conversation(request, inputs)
        size = conversation_bytes(messages, request.response_format)
        if size > task.input_bytes + task.inputs_bytes:
            reason = f"the request is {size} bytes, and money is held for {task.input_bytes + task.inputs_bytes}"
            return RunUnsendable(task=task.seq, run=run.number, reason=reason, for_good=True)
        if run.number > 1:
            reopen(layout, task.id)
        folder = open_run(layout, task.id, run.number, source, request.attachments)
    except (OSError, KeyError, ValueError) as error:
        reason = f"its folder cannot be made: {error}"
        return RunUnsendable(task=task.seq, run=run.number, reason=reason, for_good=not isinstance(error, OSError))
    body = chat_body(tier, request, messages, run.cap)
    return Assign(task=task.id, run=run.number, call=run.call, folder=folder, body=body, timeout=run.timeout)


def _shelve(
    layout: Layout,
    task: Task,
    request: TaskRequest,
    source: str,
    told: Mapping[str, Any] | None,
    used: TaskUsage,
    tier: Tier | None,
) -> None:
    """Write the papers of a task that has ended, and put its folder on the shelf."""
    if task.outcome is not Status.COMPLETED:
        told = told or {"class": "internal", "message": "no reason was left", "remedy": "", "retryable": True}
        files = {"error.json": paper.as_bytes(paper.error(task, str(task.outcome), told, used))}
        file_away(layout, task.id, source, "failed", files, request.attachments)
        return
    shelved = os.path.exists(f"{layout.task_folder('completed', task.id)}/output.json")
    working = os.path.exists(layout.task_folder("in_progress", task.id))
    if shelved and not working:
        return  # it stands there whole: only the word of it was lost
    record = record_of(layout, task.id, task.run)
    if record is None:
        raise FileNotFoundError(f"{task.id}: run {task.run} has no record")
    output = paper.output(task, request, tier, record.result, record.answer, used)
    files = {
        "output.json": paper.as_bytes(output),
        "output.md": paper.markdown(task, record.answer, output["model"]).encode("utf-8", "replace"),
    }
    file_away(layout, task.id, source, "completed", files, request.attachments)


def record_of(layout: Layout, task_id: str, run: int) -> Record | None:
    """What a run's worker left, wherever the task's folder stands; None when there is no whole record."""
    found = read_record(f"{layout.task_folder('in_progress', task_id)}/runs/{run}")
    try:
        return None if found is None else decode_record(json.dumps(found).encode())
    except ProtocolError:
        return None


def _discard_all(layout: Layout, claims: Sequence[Claim]) -> None:
    for claim in claims:
        discard(layout, claim)
