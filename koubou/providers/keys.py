"""The keys of a tier as its calls meet them: the one whose turn it is serves, and none is ever quoted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from koubou.model.call import ErrorClass
from koubou.providers.answer import Answer
from koubou.providers.keyring import Keyring
from koubou.rules.provider_errors import plain_error


class Keys:
    """A key that is refused rests, and the next one serves. A tier without keys has one place all the same."""

    def __init__(self, api_keys: tuple[str, ...]) -> None:
        self._own = api_keys
        self._keyring = Keyring(max(1, len(api_keys)))

    async def answer(self, ask: Callable[[int], Awaitable[Answer]]) -> Answer:
        """Have it asked with the key whose turn it is; `ask` is given its place among the keys."""
        began = time.monotonic()
        place = self._keyring.turn(began)
        answer = await ask(place)
        if answer.error is None:
            self._keyring.served(place, began)
        elif answer.error.kind in (ErrorClass.AUTH, ErrorClass.QUOTA):
            now = time.monotonic()
            self._keyring.refused(place, now)
            answer = replace(answer, error=replace(answer.error, another_key=self._keyring.has_another(now)))
        return self._without_keys(answer)

    def are_quoted_in(self, data: bytes) -> bool:
        """Whether a server says one of them again, whatever its case."""
        return any(key.lower().encode() in data.lower() for key in self._own)

    def _without_keys(self, answer: Answer) -> Answer:
        """A server that says our key again is not quoted."""
        error = answer.error
        said = (answer.model, answer.finish_reason, error and f"{error.code} {error.message}")
        if not any(self.are_quoted_in((word or "").encode("utf-8", "surrogatepass")) for word in said):
            return answer
        if error is not None:
            error = replace(error, code="", message=plain_error(error.kind, status=error.status).message)
        return replace(answer, model=None, finish_reason=answer.finish_reason and "other", error=error)
