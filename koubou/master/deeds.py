"""Doing what a turn decided, after its commit: through the crew and the hands. Everything is safe to do twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from koubou import crash
from koubou.board.board import Board
from koubou.errors import ProtocolError
from koubou.folders.answers import read_answer
from koubou.folders.layout import Layout
from koubou.hands.records import record_of
from koubou.journal import Journal
from koubou.master.clock import clock
from koubou.master.crew import Crew
from koubou.master.hands import Hands
from koubou.master.work import work_of
from koubou.model.call import Bill, CallError, CallResult, ErrorClass
from koubou.model.deed import (
    AnswerCall,
    CancelRun,
    Deed,
    DiscardClaim,
    FileAway,
    RejectClaim,
    RemoveFiles,
    Say,
    SendRun,
    SweepRejected,
    TellGuardian,
)
from koubou.model.gate import Denied, Granted
from koubou.model.heard import CallEnded, Heard, RunSent, RunUnsendable
from koubou.model.instant import Instant
from koubou.model.phase import Lesser, Phase
from koubou.model.request_json import request_from_json
from koubou.model.retention import Owed
from koubou.model.run import Run
from koubou.model.status import Status
from koubou.model.task import Task, TaskRequest
from koubou.model.tier import Reach, Tier
from koubou.rules import asking, paper
from koubou.rules.asides import asked_of, is_to_be_examined, may_be_asked
from koubou.rules.body_fields import refused_field
from koubou.rules.request_body import body_of, conversation, conversation_bytes
from koubou.rules.route import is_secret
from koubou.rules.suited import why_open
from koubou.wire.hand_messages import Shelve
from koubou.wire.messages import Assign, CallDenied, CallGranted, Cancel

_OWED_AT_ONCE = 256
_NO_REASON: Mapping[str, Any] = {
    "class": "internal",
    "code": "",
    "message": "no reason was left",
    "remedy": "",
    "retryable": True,
}


class Deeds:
    """What cannot be done now is heard of again: as a word for the next turn, or as something the board still owes."""

    def __init__(
        self,
        board: Board,
        crew: Crew,
        journal: Journal,
        *,
        hands: Hands,
        hear: Callable[[Heard], None],
        tell: Callable[[], None],
    ) -> None:
        self._board = board
        self._crew = crew
        self._journal = journal
        self._hands = hands
        self._hear = hear
        self._tell = tell

    def do(self, deeds: Sequence[Deed]) -> None:
        """Begin everything; return at once."""
        taken = []
        for deed in deeds:
            match deed:
                case Say(event=event, level=level, fields=fields):
                    self._journal.say(event, level, **fields)
                case SendRun():
                    self._send(deed)
                case FileAway(task=seq, task_id=task_id):
                    self._shelve(seq, task_id)
                case AnswerCall():
                    self._answer_call(deed)
                case CancelRun(task_id=task_id, run=run, worker=worker):
                    member = self._crew.members.get(worker)
                    if member is not None:
                        member.child.say(Cancel(task=task_id, run=run))
                case TellGuardian():
                    self._tell()
                case RemoveFiles(task=seq, task_id=task_id, what=what):
                    self._hands.remove(Owed(task=seq, task_id=task_id, what=what))
                case SweepRejected(before=before, drafts_before=drafts_before):
                    self._hands.sweep(before, drafts_before)
                case DiscardClaim(claim=claim):
                    taken.append(claim)
                case RejectClaim(claim=claim, error=error):
                    self._hands.reject(claim, error)
        if taken:
            self._hands.taken(taken)

    def shelve_what_is_owed(self) -> None:
        """Take up again what the board owes to the shelves and is not on its way there."""
        for seq, task_id in self._board.tasks.owed_filings(_OWED_AT_ONCE):
            self._shelve(seq, task_id)

    def _answer_call(self, deed: AnswerCall) -> None:
        """Tell the worker of a run; a call that nobody sends any more costs nothing."""
        member = None if deed.worker is None else self._crew.members.get(deed.worker)
        match deed.answer:
            case Granted() if member is None:
                self._hear(CallEnded(result=_unsent(deed, deed.answer.call, clock())))
            case Granted() if member is not None:
                member.child.say(CallGranted(granted=deed.answer))
            case Denied() if member is not None:
                member.child.say(CallDenied(denied=deed.answer))

    def _send(self, deed: SendRun) -> None:
        run = self._board.runs.get(deed.task, deed.run)
        member = self._crew.members.get(deed.worker)
        if run is None or run.ended_at is not None:
            return
        if member is None or member.leaving:
            self._hear(RunUnsendable(task=deed.task, run=deed.run, reason="its worker has gone"))
            return
        task = self._board.tasks.at(deed.task)
        if member.tier.reach is not Reach.LOCAL and is_secret(task):
            # Routing and admission have seen to it; this is the last door before the cloud.
            self._hear(RunUnsendable(task=deed.task, run=deed.run, reason="its worker is not local"))
            return
        if is_secret(task) and (why := why_open(member.tier)) is not None:
            self._hear(RunUnsendable(task=deed.task, run=deed.run, reason=why))
            return
        if not may_be_asked(task, member.tier, self._board.runs.get):
            self._hear(RunUnsendable(task=deed.task, run=deed.run, reason="its worker may not read the answer"))
            return
        crash.at("deeds.sending")
        try:
            member.child.say(self._assignment(task, run))
            if crash.ARMED:
                member.child.flush()
                crash.at("deeds.sent")
        except OSError as error:
            reason = f"what it takes as input cannot be read: {error.strerror}"
            self._hear(RunUnsendable(task=deed.task, run=deed.run, reason=reason, for_good=True))
        except (ProtocolError, ValueError) as error:
            self._hear(RunUnsendable(task=deed.task, run=deed.run, reason=str(error), for_good=True))
        else:
            self._hear(RunSent(task=deed.task, run=deed.run))

    def _assignment(self, task: Task, run: Run) -> Assign:
        """What would be larger than what was held for, or could cost what its bound knows nothing of: ValueError."""
        workshop = self._crew.workshop
        layout = workshop.layout
        source, body = self._board.tasks.text(task.seq)
        request = request_from_json(body)
        asked, messages = self._asked(layout, task, run, request)
        size, (held_for, _) = conversation_bytes(messages, asked.response_format), asked_of(task)
        if size > held_for:
            raise ValueError(f"the request is {size} bytes long, and money is held for {held_for}")
        api, sent = body_of(workshop.tiers[run.tier], asked, messages, run.cap)
        if (reason := refused_field(api, sent)) is not None:
            raise ValueError(f"the request is not sent: {reason}")
        return Assign(
            task=task.id,
            run=run.number,
            call=run.call,
            folder=f"{layout.task_folder('in_progress', task.id)}/runs/{run.number}",
            body=sent,
            timeout=run.timeout,
            purpose=run.purpose,
            expect=tuple(asked.expect),
            schema=asked.response_format or None,
            rules=workshop.intake.rule_cache if self._is_looked_at(task, workshop.tiers[run.tier]) else None,
            home=layout.home,
            source=source,
            attachments=tuple(request.attachments),
            policy=workshop.intake.policy,
            work=work_of(self._board, workshop, task, run, request, workshop.tiers[run.tier]),
        )

    def _is_looked_at(self, task: Task, tier: Tier) -> bool:
        """Whether the detector looks too: at what an agent sends to the cloud, or at an answer that is to be judged."""
        workshop = self._crew.workshop
        sends = tier.metered and tier.reach is not Reach.LOCAL
        return sends or is_to_be_examined(task, workshop.tiers, workshop.routing)

    def _asked(
        self, layout: Layout, task: Task, run: Run, request: TaskRequest
    ) -> tuple[TaskRequest, Sequence[Mapping[str, str]]]:
        """The request as this phase of the task asks it, and its conversation."""
        if task.phase is Phase.DIFFICULTY:
            return replace(request, response_format=None, expect=()), asking.difficulty_question(request)
        inputs = self._inputs(layout, task, request.inputs) if request.inputs else {}
        messages = conversation(request, inputs)
        if task.phase is Phase.JUDGE:
            record = record_of(layout, task.id, task.answer_run or 0)
            if record is None:
                raise ValueError("the record of the answer that is to be judged cannot be read")
            return replace(request, response_format=None, expect=()), asking.judging(messages, record.answer, run.call)
        return request, asking.simplified(messages) if task.lesser is Lesser.SIMPLIFY else messages

    def _inputs(self, layout: Layout, task: Task, wanted: Mapping[str, str]) -> dict[str, str]:
        ids = {need.id.casefold(): need.id for need in self._board.tasks.needs(task.seq)}
        return {name: read_answer(layout, ids[needed.casefold()]) for name, needed in wanted.items()}

    def _shelve(self, seq: int, task_id: str) -> None:
        if self._hands.on_the_way(seq):
            return
        task = self._board.tasks.at(seq)
        if task.outcome is None:
            return
        source, body = self._board.tasks.text(seq)
        used = self._board.ledger.usage_of_task(task_id)
        completed = task.outcome is Status.COMPLETED
        if completed:
            papers = paper.output(task, self._crew.workshop.tiers.get(task.tier or ""), used)
        else:
            papers = paper.error(task, str(task.outcome), self._board.tasks.error_of(seq) or _NO_REASON, used)
        self._hands.shelve(
            Shelve(
                home=self._crew.workshop.layout.home,
                task=seq,
                task_id=task_id,
                run=task.run,
                owner=task.owner,
                completed=completed,
                source=source,
                request=body,
                paper=papers,
            )
        )


def _unsent(deed: AnswerCall, call: str, now: Instant) -> CallResult:
    gone = CallError(kind=ErrorClass.LOST, message="its worker had gone before it could be sent")
    return CallResult(
        task=deed.task_id, run=deed.run, call=call, bill=Bill.NONE, error=gone, started_at=now, finished_at=now
    )
