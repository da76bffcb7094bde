"""A chat completion as it comes together, from the chunks of a stream or from one whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.model.call import CallError, ErrorClass, Usage
from koubou.providers.answer import Answer, Listener, answer_of, sensible
from koubou.rules.provider_errors import name_of_model, plain_error, read_error, word_of
from koubou.rules.usage import chat_usage, dearest


class Completion:
    """Gathers one answer. A stream that ends without a finish reason was cut, however politely it ended.

    Its usage is believed where it came with the end or behind it, and nothing speaks against it: what a server counts
    while it still writes is not what it bills.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._usage: Usage | None = None
        self._usage_is_final = False
        self._usage_is_unclear = False
        self._finish_reason: str | None = None
        self._model: str | None = None
        self._refused = False
        self._spoke = False
        self._error: CallError | None = None

    @property
    def finished(self) -> bool:
        """Whether the answer is complete; only its usage may still be missing."""
        return self._finish_reason is not None

    def take(self, chunk: object) -> None:
        """The next chunk, or the whole answer."""
        if not isinstance(chunk, Mapping):
            return
        if chunk.get("error"):
            self._error, _ = read_error(None, chunk)
        if isinstance(model := chunk.get("model"), str) and model:
            self._model = name_of_model(model)
        match chunk.get("choices"):
            case [{"delta": Mapping() as part} as choice, *_] | [{"message": Mapping() as part} as choice, *_]:
                self._take_part(part)
                self._take_reason(choice)
            case [Mapping() as choice, *_]:
                self._take_reason(choice)
        self._take_usage(chunk.get("usage"))

    def ending(self) -> Answer:
        """What it has come to, now that nothing more will come."""
        return answer_of(self._believed, error=self._verdict(), finish_reason=self._finish_reason, model=self._model)

    def _take_part(self, part: Mapping[str, Any]) -> None:
        if isinstance(text := part.get("content"), str) and text:
            self._spoke = True
            self._listener.write(text)
        self._refused = self._refused or bool(part.get("refusal"))

    def _take_reason(self, choice: Mapping[str, Any]) -> None:
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self._finish_reason = word_of(reason) or "other"

    def _take_usage(self, said: object) -> None:
        if said is None:
            return
        usage = chat_usage(said)
        if usage is None:
            self._usage_is_unclear = True
            return
        self._usage = usage if self._usage is None else dearest(self._usage, usage)
        self._usage_is_final = self._usage_is_final or self.finished

    @property
    def _believed(self) -> Usage | None:
        usage = self._usage
        if usage is None or not self._usage_is_final or self._usage_is_unclear or self._error is not None:
            return None
        return sensible(usage, spoke=self._spoke or self._refused)

    def _verdict(self) -> CallError | None:
        if self._error is not None:
            return self._error
        match self._finish_reason:
            case None:
                return plain_error(ErrorClass.CUT)
            case "content_filter":
                return plain_error(ErrorClass.POLICY, code="content_filter")
            case "error":  # a gateway's word for a fault of the provider behind it
                return plain_error(ErrorClass.SERVER, code="error")
            case _ if self._refused and not self._spoke:
                return plain_error(ErrorClass.POLICY, code="refusal")
            case _:
                return None
