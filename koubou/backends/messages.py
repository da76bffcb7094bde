"""Anthropic's Messages API, through the `anthropic` library with its hidden habits switched off.

No retries: each is a call with a hold of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
from anthropic import APIConnectionError, APIError, APIStatusError, AsyncAnthropic, AsyncStream
from msgspec.structs import replace

from koubou.backends.connections import PATIENCE, Connections, is_whole, unreachable, whole_of
from koubou.backends.port import Answer, CannotServe, Sink
from koubou.model.call import ErrorClass
from koubou.model.tier import Tier
from koubou.providers.message import Message
from koubou.rules.model_list import root_of
from koubou.rules.provider_errors import bill_of, plain_error


class MessagesBackend:
    """Serves one tier; connections are kept and shared by its calls."""

    def __init__(self, tier: Tier, api_keys: tuple[str, ...]) -> None:
        self._connections = Connections(tier, api_keys)
        try:
            # A client for each key, over the same connections.
            self._clients = [
                AsyncAnthropic(
                    api_key=key,
                    base_url=root_of(tier),
                    max_retries=0,
                    timeout=PATIENCE,
                    http_client=self._connections.http,
                )
                for key in self._connections.keys
            ]
        except (httpx2.InvalidURL, ValueError):
            raise CannotServe(f"tier {tier.name}: its base_url cannot be used", "mend it in the settings") from None

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Send the request as it is, with the key whose turn it is."""
        return await self._connections.answer(lambda place: self._ask(self._clients[place], body, sink))

    async def _ask(self, client: AsyncAnthropic, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Read the answer as it grows; a server may also give it whole."""
        call = self._connections.begin(sink)
        message = Message(sink)
        try:
            stream = await client.post(
                "/v1/messages", body=dict(body), cast_to=object, stream=True, stream_cls=AsyncStream[object]
            )
            call.heard(stream.response.headers)
            if is_whole(stream.response):
                message.take(await whole_of(stream.response))
            else:
                async with stream:
                    async for event in stream:
                        message.take(event)
        except APIStatusError as error:
            if error.response.status_code >= 300:
                return self._connections.refused(error.response)
            message.take(error.body if isinstance(error.body, Mapping) else {"error": {}})  # it came inside the stream
        except (APIError, httpx2.HTTPError, ValueError) as error:  # ValueError: an event that is not JSON
            # A complete answer stays one when the connection breaks behind it.
            if not message.finished:
                return _broken(error, sent=call.sent)
        return replace(message.ending(), quiet_for=call.quiet_for)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()


def _broken(error: APIError | httpx2.HTTPError | ValueError, *, sent: bool) -> Answer:
    lost = isinstance(error, APIConnectionError | httpx2.HTTPError)
    if lost and not sent:
        return unreachable(error)
    kind = ErrorClass.CUT if lost else ErrorClass.PROXY
    return Answer(bill=bill_of(kind), error=plain_error(kind))
