"""An answer of OpenAI's Responses API as it comes together, from the events of a stream or from one whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.model.call import CallError, ErrorClass, Usage
from koubou.providers.answer import Answer, Listener, answer_of, sensible
from koubou.rules.provider_errors import name_of_model, plain_error, read_error, word_of
from koubou.rules.usage import responses_usage

_ENDS = frozenset({"completed", "incomplete", "failed"})
"""The statuses of an answer that has come to its end; a stream says them as `response.completed` and so on."""
_REASONS: Mapping[str, str] = {"max_output_tokens": "length"}


class Response:
    """Gathers one answer. A stream without its last event was cut, however politely it ended."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._usage: Usage | None = None
        self._status: str | None = None
        self._reason: str | None = None
        self._model: str | None = None
        self._spoke = False
        self._refused = False
        self._error: CallError | None = None

    @property
    def finished(self) -> bool:
        """Whether the answer is complete."""
        return self._status is not None

    def take(self, event: object) -> None:
        """The next event, or the whole answer."""
        if not isinstance(event, Mapping):
            return
        match event:
            case {"type": "response.output_text.delta", "delta": str() as text}:
                self._write(text)
            case {"type": "response.refusal.delta"}:
                self._refused = True
            case {"type": "response.function_call_arguments.done" | "response.custom_tool_call_input.done"}:
                self._spoke = True
            case {"type": str() as kind, "response": Mapping() as response}:
                self._take_head(response)
                if kind.removeprefix("response.") in _ENDS:
                    self._take_end(response, kind.removeprefix("response."))
            case {"object": "response", "status": str() as status}:
                self._take_head(event)
                if status in _ENDS:
                    self._take_end(event, status)
            case {"type": "error", "code": code, "message": message}:
                self._error, _ = read_error(None, {"error": {"code": code, "message": message}})
            case {"error": Mapping() as error}:
                self._error, _ = read_error(None, {"error": error})

    def ending(self) -> Answer:
        """What it has come to, now that nothing more will come."""
        return answer_of(self._believed, error=self._verdict(), finish_reason=self._finish_reason, model=self._model)

    def _take_head(self, response: Mapping[str, Any]) -> None:
        if isinstance(model := response.get("model"), str) and model:
            self._model = name_of_model(model)

    def _take_end(self, response: Mapping[str, Any], status: str) -> None:
        self._status = status
        self._usage = responses_usage(response.get("usage"))
        match response.get("incomplete_details"):
            case {"reason": str() as reason}:
                self._reason = reason
        if not self._spoke:
            self._take_output(response.get("output"))
        if status == "failed":
            self._error, _ = read_error(None, {"error": response.get("error") or {"message": ""}})

    def _take_output(self, output: object) -> None:
        for item in output if isinstance(output, list) else ():
            match item:
                case {"type": "message", "content": list() as parts}:
                    for part in parts:
                        self._take_part(part)
                case {"type": "function_call" | "custom_tool_call"}:
                    self._spoke = True

    def _take_part(self, part: object) -> None:
        match part:
            case {"type": "output_text", "text": str() as text}:
                self._write(text)
            case {"type": "refusal"}:
                self._refused = True

    def _write(self, text: str) -> None:
        if text:
            self._spoke = True
            self._listener.write(text)

    @property
    def _believed(self) -> Usage | None:
        """The usage, where it came with the end, and where no request is empty, nor an answer that says something.

        An answer that failed at the provider has an end, and a bill, as any other.
        """
        usage = self._usage
        if usage is None or (self._error is not None and self._status != "failed"):
            return None
        return sensible(usage, spoke=self._spoke or self._refused)

    @property
    def _finish_reason(self) -> str | None:
        match self._status:
            case None:
                return None
            case "completed":
                return "stop"
            case _ if self._reason is not None:
                return _REASONS.get(self._reason) or word_of(self._reason) or "other"
            case status:
                return status

    def _verdict(self) -> CallError | None:
        if self._error is not None:
            return self._error
        match self._finish_reason:
            case None:
                return plain_error(ErrorClass.CUT)
            case "content_filter":
                return plain_error(ErrorClass.POLICY, code="content_filter")
            case _ if self._refused and not self._spoke:
                return plain_error(ErrorClass.POLICY, code="refusal")
            case _:
                return None
