"""An Anthropic message as it comes together, from the events of a stream or from one whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.model.call import CallError, ErrorClass, Usage
from koubou.providers.answer import Answer, Listener, answer_of, sensible
from koubou.rules.provider_errors import name_of_model, plain_error, read_error, word_of
from koubou.rules.usage import MessageStream, messages_usage

_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
"""Anthropic's words for why an answer ended, in those of chat completions."""


class Message:
    """Gathers one answer. A stream without `message_stop` was cut; its usage is then what nobody bills by."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stream = MessageStream()
        self._whole: Usage | None = None
        self._stop_reason: str | None = None
        self._model: str | None = None
        self._ended = False
        self._spoke = False
        self._error: CallError | None = None

    @property
    def finished(self) -> bool:
        """Whether the answer is complete."""
        return self._ended and self._stop_reason is not None

    def take(self, event: object) -> None:
        """The next event, or the whole answer."""
        if not isinstance(event, Mapping):
            return
        self._stream = self._stream.after(event)
        match event:
            case {"type": "message_start", "message": Mapping() as message}:
                self._take_head(message)
            case {"type": "content_block_start", "content_block": Mapping() as block}:
                self._take_block(block)
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str() as text}}:
                self._write(text)
            case {"type": "message_delta", "delta": {"stop_reason": str() as reason}}:
                self._stop_reason = reason
            case {"type": "message_stop"}:
                self._ended = True
            case {"type": "message", "content": list() as content}:
                self._take_whole(event, content)
            case {"error": Mapping() as error}:
                self._error, _ = read_error(None, {"error": error})

    def ending(self) -> Answer:
        """What it has come to, now that nothing more will come."""
        return answer_of(self._usage, error=self._verdict(), finish_reason=self._finish_reason, model=self._model)

    def _take_head(self, message: Mapping[str, Any]) -> None:
        if isinstance(model := message.get("model"), str) and model:
            self._model = name_of_model(model)

    def _take_block(self, block: Mapping[str, Any]) -> None:
        if block.get("type") == "text" and isinstance(text := block.get("text"), str):
            self._write(text)

    def _take_whole(self, message: Mapping[str, Any], content: list[Any]) -> None:
        self._take_head(message)
        for block in content:
            if isinstance(block, Mapping):
                self._take_block(block)
        if isinstance(reason := message.get("stop_reason"), str):
            self._stop_reason, self._ended = reason, True
        self._whole = messages_usage(message.get("usage"))

    def _write(self, text: str) -> None:
        if text:
            self._spoke = True
            self._listener.write(text)

    @property
    def _finish_reason(self) -> str | None:
        if not self._ended or self._stop_reason is None:
            return None
        return _REASONS.get(self._stop_reason) or word_of(self._stop_reason) or "other"

    @property
    def _usage(self) -> Usage | None:
        """Believed where it came with the end, and where no request is empty, nor an answer that says something."""
        usage = self._whole or self._stream.usage
        if usage is None or not self.finished or self._error is not None:
            return None
        return sensible(usage, spoke=self._spoke)

    def _verdict(self) -> CallError | None:
        if self._error is not None:
            return self._error
        match self._finish_reason:
            case None:
                return plain_error(ErrorClass.CUT)
            case "refusal":
                return plain_error(ErrorClass.POLICY, code="refusal")
            case _:
                return None
