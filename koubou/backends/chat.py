"""Any server that speaks OpenAI's chat completions, through the `openai` library with its hidden habits switched off.

No retries: each is a call with a hold of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
from msgspec.structs import replace
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI, AsyncStream, OpenAIError

from koubou.backends.connections import PATIENCE, Connections, is_whole, unreachable, whole_of
from koubou.backends.port import Answer, CannotServe, Sink
from koubou.model.call import ErrorClass
from koubou.model.tier import Tier
from koubou.providers.completion import Completion
from koubou.rules.provider_errors import bill_of, plain_error


class ChatBackend:
    """Serves one tier; connections are kept and shared by its calls."""

    def __init__(self, tier: Tier, api_keys: tuple[str, ...]) -> None:
        self._connections = Connections(tier, api_keys)
        try:
            # A client for each key, over the same connections.
            self._clients = [
                AsyncOpenAI(
                    api_key=key,
                    base_url=tier.base_url,
                    max_retries=0,
                    timeout=PATIENCE,
                    http_client=self._connections.http,
                )
                for key in self._connections.keys
            ]
        except (OpenAIError, httpx2.InvalidURL, ValueError):
            raise CannotServe(f"tier {tier.name}: its base_url cannot be used", "mend it in the settings") from None

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Send the request as it is, with the key whose turn it is."""
        return await self._connections.answer(lambda place: self._ask(self._clients[place], body, sink))

    async def _ask(self, client: AsyncOpenAI, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Read the answer as it grows; a server may also give it whole."""
        call = self._connections.begin(sink)
        completion = Completion(sink)
        try:
            stream = await client.post(
                "/chat/completions", body=dict(body), cast_to=object, stream=True, stream_cls=AsyncStream[object]
            )
            call.heard(stream.response.headers)
            async with stream:
                async for chunk in _chunks(stream):
                    completion.take(chunk)
        except APIStatusError as error:
            return self._connections.refused(error.response)
        except (APIError, ValueError) as error:  # ValueError: an event that is not JSON
            # A complete answer stays one when the connection breaks behind it; only its usage is missing then.
            if not completion.finished:
                return _broken(error, completion, sent=call.sent)
        return replace(completion.ending(), quiet_for=call.quiet_for)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()


async def _chunks(stream: AsyncStream[object]) -> AsyncIterator[object]:
    if is_whole(stream.response):
        yield await whole_of(stream.response)
    else:
        async for chunk in stream:
            yield chunk


def _broken(error: APIError | ValueError, completion: Completion, *, sent: bool) -> Answer:
    match error:
        case APIConnectionError() if not sent:
            return unreachable(error)
        case APIConnectionError():
            kind = ErrorClass.CUT
        case APIError(body=body) if body is not None:
            completion.take({"error": body})
            return completion.ending()
        case _:
            kind = ErrorClass.PROXY
    return Answer(bill=bill_of(kind), error=plain_error(kind))
