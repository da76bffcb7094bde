"""One call of an agent: read, checked, looked at, held for, passed on, settled. In this order, whatever happens."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping

from aiohttp import web
from msgspec import Struct

from koubou.gateway.lines import Lines
from koubou.gateway.listening import LARGEST
from koubou.gateway.looking import Looker
from koubou.gateway.outlet import Outlet
from koubou.gateway.port import Gate
from koubou.gateway.run import Run, shorten
from koubou.gateway.upstream import Sending, Upstream
from koubou.model.call import Bill, CallError, CallResult, ErrorClass
from koubou.model.call_lines import CallLine, line_of
from koubou.model.gate import Denial, Denied, Granted, Wanted
from koubou.model.instant import MINUTE, SECOND, Instant, Milliseconds
from koubou.model.money import Nano
from koubou.model.tier import Tier
from koubou.providers.answer import Answer
from koubou.rules.agent_request import NotAllowed, Request
from koubou.rules.body_fields import Api
from koubou.rules.price import cost
from koubou.rules.provider_errors import plain_error
from koubou.rules.refusals import Fault, Form, Refusal, refusal

_PATIENCE: Milliseconds = MINUTE
"""How long a call waits for a rate in all; the agent thinks that its provider is slow."""
_LEAST_WAIT: Milliseconds = 10
READ_ON = 30.0
"""Seconds for which an answer is read on that nobody waits for: it is billed, and its end says how much."""
_BODY = 60.0
"""Seconds for a request to arrive."""
FORMS: Mapping[Api, Form] = {"chat": "openai", "responses": "openai", "messages": "anthropic"}
_HOPELESS: Mapping[Denial, ErrorClass] = {
    Denial.BUDGET: ErrorClass.BUDGET,
    Denial.SECRECY: ErrorClass.SECRET,
    Denial.STOP: ErrorClass.CANCELLED,
}
_BROKEN = frozenset({ErrorClass.CUT, ErrorClass.TIMEOUT, ErrorClass.CANCELLED})


class _Started(Struct, frozen=True):
    """When a call began, by the wall clock and by one that only goes forward."""

    at: Instant
    ticking: float


class Calls:
    """Carries calls through, for all runs of a worker."""

    def __init__(self, tier: Tier, gate: Gate, upstream: Upstream, lines: Lines) -> None:
        self._tier = tier
        self._gate = gate
        self._upstream = upstream
        self._lines = lines
        self._looker = Looker(tier)
        self._tickets = itertools.count(1)

    async def take(self, run: Run, api: Api, asked: web.BaseRequest) -> web.StreamResponse:
        """The answer to an agent's request: the provider's, or why there is none."""
        async with run.room.of(_size(asked)):
            return await self._take(run, api, asked)

    async def _take(self, run: Run, api: Api, asked: web.BaseRequest) -> web.StreamResponse:
        form = FORMS[api]
        if run.last_word is not None:
            return response_of(refusal(form, *run.last_word))
        if run.closing:
            return response_of(refusal(form, Denial.STOP, "the run is over"))
        try:
            request = await self._read(run, api, asked)
        except NotAllowed as error:
            run.note(CallError(kind=ErrorClass.BAD_REQUEST, message=error.reason, status=400))
            return response_of(refusal(form, Fault.FIELD, error.reason))
        if request.model != self._tier.model:
            run.note(plain_error(ErrorClass.MODEL))
            return response_of(refusal(form, Fault.MODEL, f"this run has the model {self._tier.model}, and no other"))
        if (category := await self._looker.secret(run.visitor, request, run.token)) is not None:
            run.give_up(Fault.SECRET, _SECRET, plain_error(ErrorClass.SECRET, code=category))
            return response_of(refusal(form, Fault.SECRET, _SECRET))
        run.memory.allowed(request)
        return await self._through(run, request, asked)

    async def bound(self, run: Run, asked: web.BaseRequest) -> int:
        """The most input tokens that a request to Anthropic can count as. Raises NotAllowed."""
        async with run.room.of(_size(asked)):
            request = await self._read(run, "messages", asked)
            return run.memory.bound(self._tier, request, len(request.head(self._tier)))

    async def _read(self, run: Run, api: Api, asked: web.BaseRequest) -> Request:
        if asked.headers.get("Content-Encoding", "identity") != "identity":
            raise NotAllowed("the request must not be compressed")
        try:
            async with asyncio.timeout(None if asked.content.is_eof() else _BODY):
                data = await asked.read()
        except TimeoutError:
            raise NotAllowed("the request did not arrive") from None
        return run.memory.read(api, data)

    async def _through(self, run: Run, request: Request, asked: web.BaseRequest) -> web.StreamResponse:
        """Held for, passed on and settled: what was granted ends with a result, also when this is cancelled."""
        head = request.head(self._tier)
        longest = len(head) + len(request.end(self._tier, max(request.cap or 0, self._tier.max_output_tokens)))
        wanted = run.memory.bound(self._tier, request, longest)
        sending = self._sending(request, asked)
        limit, ended = run.begin()  # from here nothing may raise before its end is seen to
        outlet = Outlet(asked, hung_up=lambda: shorten(limit, READ_ON))
        started = _Started(_now(), time.monotonic())
        granted: Granted | None = None
        answer: Answer | None = None
        try:
            async with limit:
                said = await self._ask(run, request, wanted, asked)
                if isinstance(said, Denied):
                    return response_of(_denied(run, FORMS[request.api], said))
                granted, started = said, _Started(_now(), time.monotonic())
                sending.body = head + request.end(self._tier, granted.cap)
                if not (run.closing or _has_hung_up(asked)):
                    run.calls += 1
                    answer = await self._upstream.answer(sending, outlet)
        except TimeoutError:
            pass  # it was given no more time
        finally:
            run.over(limit)
            if granted is None:
                ended.set_result(None)
            else:
                answer = answer or _stopped(sent=sending.sent)
                self._settle(run, request, sending, _result(run, granted, answer, sending, started), ended)
        return (
            response_of(refusal(FORMS[request.api], Denial.STOP, "the run is over"))
            if answer is None
            else await _given(answer, outlet, FORMS[request.api])
        )

    def _sending(self, request: Request, asked: web.BaseRequest) -> Sending:
        return Sending(
            api=request.api,
            body=b"",
            headers=asked.headers,
            beta=asked.rel_url.query_string == "beta=true",
            streamed=request.streamed,
            keeps_usage=request.wants_usage,
            keeps_body=self._tier.agent is not None and self._tier.agent.keep_bodies,
        )

    async def _ask(self, run: Run, request: Request, bound: int, asked: web.BaseRequest) -> Granted | Denied:
        """What the gate says; what only has to wait is waited for, as long as the agent is there."""
        waited = 0
        while True:
            said = await self._gate.ask(
                Wanted(
                    task=run.visitor.task,
                    run=run.visitor.run,
                    ticket=next(self._tickets),
                    tier=self._tier.name,
                    input_tokens=bound,
                    cap=request.cap,
                )
            )
            if isinstance(said, Granted) or said.wait is None:
                return said
            wait = max(said.wait, _LEAST_WAIT)
            waited += wait
            if waited > _PATIENCE or run.closing or _has_hung_up(asked):
                return said
            await asyncio.sleep(wait / SECOND)

    def _settle(
        self, run: Run, request: Request, sending: Sending, result: CallResult, ended: asyncio.Future[None]
    ) -> None:
        """Its line first, then the word to the master."""
        run.note(result.error)
        if result.answered and result.usage is not None:
            run.memory.answered(request.chain(), result.usage.input_tokens + result.usage.output_tokens)
        bodies = sending.keeps_body
        line = CallLine(
            api=request.api,
            streamed=request.streamed,
            request_bytes=len(sending.body),
            answer_bytes=sending.answer_bytes,
            cost_nusd=_cost(result, self._tier),
            result=result,
            request=_kept(sending.body, run.token) if bodies else None,
            answer=_kept(sending.answer, run.token) if bodies else None,
        )

        def tell(_: asyncio.Future[None]) -> None:
            self._gate.done(result)
            ended.set_result(None)

        self._lines.write(run.lines, line_of(line)).add_done_callback(tell)


_SECRET = "the request holds a secret, which must not leave the house: the run is stopped"  # noqa: S105


def response_of(refused: Refusal) -> web.Response:
    """A refusal as it is sent."""
    headers = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
    return web.Response(
        status=refused.status, body=refused.body, headers={"Content-Type": "application/json", **headers}
    )


def _denied(run: Run, form: Form, denied: Denied) -> Refusal:
    if (kind := _HOPELESS.get(denied.why)) is not None:
        run.give_up(denied.why, denied.message, CallError(kind=kind, message=denied.message, code=denied.why.value))
    elif denied.wait is None:
        # Left alone for longer than an agent waits; what went wrong before says more of why.
        left_alone = CallError(kind=ErrorClass.UNREACHABLE, message=denied.message, code=denied.why.value)
        run.give_up(Denial.STOP, denied.message, run.trouble or left_alone)
        return refusal(form, Denial.STOP, denied.message)
    else:
        run.note(
            CallError(kind=ErrorClass.RATE, message=denied.message, code=denied.why.value, retry_after=denied.wait)
        )
    return refusal(form, denied.why, denied.message, facts=denied.facts, wait=denied.wait)


async def _given(answer: Answer, outlet: Outlet, form: Form) -> web.StreamResponse:
    """What the agent gets in the end: the rest of the answer, a broken connection, or why there is nothing."""
    error = answer.error
    if error is not None and (error.kind in _BROKEN or (outlet.begun is not None and error.kind is ErrorClass.PROXY)):
        outlet.break_off()
    elif outlet.begun is None and error is not None:
        return response_of(refusal(form, Fault.UPSTREAM, error.message))
    await outlet.end()
    return outlet.begun or web.Response(status=502)


def _result(run: Run, granted: Granted, answer: Answer, sending: Sending, started: _Started) -> CallResult:
    return CallResult(
        task=run.visitor.task,
        run=run.visitor.run,
        call=granted.call,
        bill=answer.bill,
        usage=answer.usage,
        error=answer.error,
        finish_reason=answer.finish_reason,
        model=answer.model,
        started_at=started.at,
        finished_at=started.at + round((time.monotonic() - started.ticking) * SECOND),
        first_token_at=sending.first_at,
        quiet_for=answer.quiet_for,
    )


def _stopped(*, sent: bool) -> Answer:
    return Answer(bill=Bill.UNKNOWN if sent else Bill.NONE, error=plain_error(ErrorClass.CANCELLED))


def _cost(result: CallResult, tier: Tier) -> Nano | None:
    match result:
        case CallResult(bill=Bill.NONE):
            return 0
        case CallResult(bill=Bill.REPORTED, usage=usage) if usage is not None and tier.price is not None:
            return cost(usage, tier.price)
        case _:
            return None


def _kept(body: bytes, token: str) -> str:
    """A body as it is kept; an agent that looks at its own environment has its token in it."""
    return body.decode("utf-8", "replace").replace(token, "***")


def _size(asked: web.BaseRequest) -> int:
    """How large the request may turn out."""
    return LARGEST if asked.content_length is None else min(asked.content_length, LARGEST)


def _has_hung_up(asked: web.BaseRequest) -> bool:
    return asked.transport is None or asked.transport.is_closing()


def _now() -> Instant:
    return time.time_ns() // 1_000_000
