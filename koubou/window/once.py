"""Doing a change once for each Idempotency-Key, and answering the same again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from koubou.errors import KoubouError, NoMaster
from koubou.model.access import Caller
from koubou.views.words import now
from koubou.window.keys import Given, key_of, request_of
from koubou.window.problems import Trouble
from koubou.window.window import Window

HEADER = "idempotency-key"
_LONGEST = 200
_REPLAYED = "idempotent-replayed"
_KEPT = ("location", "content-type")


async def once(
    window: Window, caller: Caller, request: Request, body: bytes, act: Callable[[str | None], Awaitable[Response]]
) -> Response:
    """What `act` answers; with a key that was used before, what it answered then. `act` is told the key's digest.

    An error is no answer: the same key may try again. So may one whose first try was cut short, which is why `act`
    does nothing twice that must be done once, or says itself that this is not known.
    """
    word = request.headers.get(HEADER)
    if word is None:
        return await act(None)
    if not 0 < len(word) <= _LONGEST or not word.isprintable():
        raise Trouble(400, "bad_request", f"Idempotency-Key is text of {_LONGEST} letters at most")
    key = key_of(caller, request.url.path, word)
    given = await window.readers.run(lambda: window.keys.begin(key, request_of(body), now()))
    if given is not None:
        return Response(given.body, given.status, {**given.headers, _REPLAYED: "true"})
    try:
        answer = await act(key)
    except BaseException as error:
        # Who hangs up, or whose master does not answer in time, does not know what came of it.
        unclear = isinstance(error, NoMaster) or not isinstance(error, Trouble | KoubouError)
        window.keys.drop(key, unclear=unclear)
        raise
    headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    kept = Given(status=answer.status_code, headers=headers, body=bytes(answer.body))
    await window.readers.run(lambda: window.keys.end(key, kept))
    return answer
