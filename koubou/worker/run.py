"""One run: a call through the backend, bounded in time, stoppable, ending in a result and what came of the answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from koubou import crash
from koubou.backends.port import Answer, Backend
from koubou.detectors.kingfisher import detector
from koubou.folders.copying import CannotCopy
from koubou.folders.layout import Layout
from koubou.folders.shelve import open_run, reopen
from koubou.leash.mark import mark_of
from koubou.model.agent import Deeds
from koubou.model.call import Bill, CallError, CallResult, ErrorClass
from koubou.model.instant import SECOND, Instant
from koubou.model.phase import Phase
from koubou.model.policy import Flag, Policy
from koubou.rules import asking
from koubou.rules.examine import detected_in_answer, examine_answer
from koubou.wire.messages import Assign
from koubou.wire.record import Record
from koubou.worker.complete import Completeness
from koubou.worker.growing import AnswerTooLong, GrowingAnswer

if TYPE_CHECKING:
    from koubou.leash.holding import Leashes
    from koubou.worker.workplace import Workplace

_STOPPED = {
    ErrorClass.TIMEOUT: "no complete answer within the time given",
    ErrorClass.CANCELLED: "stopped because the task was cancelled",
    ErrorClass.LOST: "stopped because the worker had to end before the answer was complete",
}


_LONG = 50_000


class Run:
    """An assignment at work. `stop` may come at any time, from the wire or the clock."""

    def __init__(
        self,
        assign: Assign,
        worker: str,
        completeness: Completeness,
        *,
        leashes: Leashes | None = None,
        noted: Callable[[str | None, Deeds], None] = lambda _session, _deeds: None,
    ) -> None:
        self.assign = assign
        self._completeness = completeness
        mark = mark_of(assign.home or assign.folder, worker, assign.task, assign.run)
        self._sink = GrowingAnswer(
            assign.folder,
            mark,
            task=assign.task,
            run=assign.run,
            work=assign.work,
            policy=assign.policy,
            rules=assign.rules,
            noted=noted,
        )
        self._place = _workplace(assign, mark, leashes)
        self._why: ErrorClass | None = None
        self._call: asyncio.Task[object] | None = None

    async def carry_out(self, backend: Backend, started: Callable[[], None]) -> Record:
        """Have the request answered; `started` is called just before it goes out. What goes wrong is no exception."""
        began, ticking = now(), time.monotonic()
        if self.assign.rules is not None:
            detector(self.assign.rules).load_beside()  # it takes a while, and so does what comes before its first use
        crash.at("worker.assigned")
        try:
            _make_folder(self.assign)
        except (OSError, ValueError) as error:
            answer = _failed(ErrorClass.INTERNAL, f"its folder cannot be made: {_word(error)}", "folder", sent=False)
        else:
            answer = _stopped(self._why, sent=False) if self._why else await self._ask(backend, started)
        crash.at("worker.answered")
        changes = None if self._place is None else await self._place.collect(done=answer.error is None)
        self._sink.close()
        text = self._sink.text
        finished = began + round((time.monotonic() - ticking) * SECOND)  # also when the clock is set meanwhile
        result = CallResult(
            task=self.assign.task,
            run=self.assign.run,
            call=self.assign.call,
            bill=answer.bill,
            usage=answer.usage,
            error=answer.error,
            finish_reason=answer.finish_reason,
            model=answer.model,
            started_at=began,
            finished_at=finished,
            first_token_at=None if self._sink.first_at is None else min(self._sink.first_at, finished),
            answer_bytes=len(json.dumps(text, ensure_ascii=False).encode()),
            quiet_for=answer.quiet_for,
            missing=await self._lacks(text, answer),
            said=self._said(text) if answer.error is None else None,
            findings=await self._examined(text),
            examined=self.assign.rules is not None,
        )
        return Record(result=result, answer=text, changes=changes)

    def stop(self, why: ErrorClass) -> None:
        """End the call now, for this reason. Does nothing once it is over: its record is being left."""
        if self._why is None:
            self._why = why
            if self._call is not None:
                self._call.cancel()

    async def _lacks(self, text: str, answer: Answer) -> tuple[str, ...]:
        """What a whole answer lacks; whoever is stopped meanwhile does not wait for it."""
        if answer.error is not None or self.assign.purpose is not Phase.ANSWER:
            return ()
        self._call = asyncio.current_task()
        try:
            return await self._completeness.lacks(text, answer.finish_reason, self.assign.expect, self.assign.schema)
        finally:
            self._call = None

    def _said(self, text: str) -> str | None:
        """What a model said that was asked about the task, in the one form in which it is understood."""
        match self.assign.purpose:
            case Phase.DIFFICULTY:
                return asking.difficulty_said(text)
            case Phase.JUDGE:
                verdict = asking.verdict(text)
                return None if verdict is None else f"{verdict.score:.3f}"
        return None

    async def _examined(self, text: str) -> tuple[Flag, ...]:
        """A long answer is looked at beside the loop, which has other calls to see to; so it is by the detector."""
        if self.assign.rules is not None:
            return await asyncio.to_thread(_flags, text, self.assign.policy, self.assign.rules)
        if len(text) < _LONG:
            return _flags(text, self.assign.policy)
        return await asyncio.to_thread(_flags, text, self.assign.policy)

    async def _ask(self, backend: Backend, started: Callable[[], None]) -> Answer:
        self._call = asyncio.current_task()
        limit = asyncio.get_running_loop().call_later(self.assign.timeout / 1000, self.stop, ErrorClass.TIMEOUT)
        try:
            if self._place is not None:
                await self._place.prepare()
            started()
            crash.at("worker.calling")
            return await backend.answer(self.assign.body, self._sink)
        except asyncio.CancelledError:
            if self._call is not None:
                self._call.uncancel()  # the wish is met; the record is still to be left
            return _stopped(self._why or ErrorClass.LOST, sent=self._sink.was_sent)
        except CannotCopy as error:
            return _failed(ErrorClass.BAD_REQUEST, str(error), error.kind, sent=False)
        except AnswerTooLong:
            return _failed(ErrorClass.SERVER, "the answer does not end; it was cut off", "answer_too_long", sent=True)
        except Exception as error:  # noqa: BLE001 - a bug in a backend costs one run, not the worker and its other calls
            return _failed(ErrorClass.INTERNAL, where(error), "", sent=self._sink.was_sent)
        finally:
            limit.cancel()
            self._call = None


def _workplace(assign: Assign, mark: str, leashes: Leashes | None) -> Workplace | None:
    """Where an agent is to work. Imports late: most workers have none."""
    if assign.work is None or leashes is None:
        return None
    from koubou.worker.workplace import Workplace

    return Workplace(assign.folder, assign.work, mark, leashes)


def now() -> Instant:
    """The wall clock in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def where(error: BaseException) -> str:
    """What broke and where, without the exception's own words: they may quote a task."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace is not None else ""
    return f"a bug: {type(error).__name__}{place}; please report it"


def _flags(text: str, policy: Policy, rules: str | None = None) -> tuple[Flag, ...]:
    """What should not be in an answer. A bug over it must not lose what was paid for: it is flagged itself."""
    try:
        found = examine_answer(text, policy)
        return found if found or rules is None else detected_in_answer(text, detector(rules).scan_texts)
    except Exception as error:  # noqa: BLE001 - see above
        return (Flag(category="unexamined", rule=type(error).__name__, line=1),)


def _make_folder(assign: Assign) -> None:
    """Make the run's folder, if that is ours to do; a task that is tried again comes back from its shelf first."""
    if assign.home is not None:
        layout = Layout(home=assign.home)
        if assign.run > 1:
            reopen(layout, assign.task)
        open_run(layout, assign.task, assign.run, assign.source, assign.attachments)


def _word(error: OSError | ValueError) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else str(error)


def _stopped(why: ErrorClass, *, sent: bool) -> Answer:
    return _failed(why, _STOPPED[why], "", sent=sent)


def _failed(kind: ErrorClass, message: str, code: str, *, sent: bool) -> Answer:
    bill = Bill.UNKNOWN if sent else Bill.NONE
    return Answer(bill=bill, error=CallError(kind=kind, message=message, code=code))
