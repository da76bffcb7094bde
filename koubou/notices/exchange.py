"""One HTTP exchange within bounds: of time, of size, to the address asked for and no other."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from koubou import __version__
from koubou.model.notice import NotTold, Trouble
from koubou.rules.provider_errors import read_retry_after

if TYPE_CHECKING:
    import requests

CONNECT_WITHIN = 5.0
"""Seconds."""
ANSWER_WITHIN = 15.0
"""Seconds without a byte; more than the ten after which GitHub gives up."""
ALL_WITHIN = 60.0
"""Seconds for an attempt with all its exchanges."""
_LARGEST = 16 * 1024 * 1024
_PIECE = 64 * 1024


class NotDone(Exception):
    """The exchange brought no answer that can be used; `why` says what follows."""

    def __init__(self, why: NotTold) -> None:
        super().__init__(why.reason)
        self.why = why


class Answer(Struct, frozen=True, kw_only=True):
    """A complete answer; `value` is its JSON, or None where it is none."""

    status: int
    headers: Mapping[str, str]
    value: Any

    def wait(self) -> int | None:
        """The milliseconds that it asks us to wait: Retry-After, or until GitHub's allowance is filled again."""
        now = time.time_ns() // 1_000_000
        asked = read_retry_after({name.lower(): value for name, value in self.headers.items()}, now)
        reset = self.headers.get("x-ratelimit-reset", "")
        if asked is None and self.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
            return max(0, int(reset[:12]) * 1000 - now)
        return asked


class Exchange:
    """The exchanges of one attempt: no proxy, no .netrc, no redirect, TLS verified; use it in a `with`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        import requests  # 0.1 s, and hardly ever needed

        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": f"koubou/{__version__}", **headers})
        self._end = time.monotonic() + ALL_WITHIN

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """Ask and read the whole answer; `data` is a body that is JSON already. Raises NotDone, without the address."""
        import requests

        if time.monotonic() > self._end:
            raise NotDone(NotTold(trouble=Trouble.NETWORK, reason="the attempt took too long and was left"))
        if body is not None:
            data = json.dumps(body, ensure_ascii=False).encode()
        sent = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        try:
            with self._session.request(
                method,
                url,
                data=data,
                headers=sent,
                timeout=(CONNECT_WITHIN, ANSWER_WITHIN),
                allow_redirects=False,
                stream=True,
            ) as response:
                text = self._read(response)
                return Answer(status=response.status_code, headers=response.headers, value=_json(text))
        except requests.exceptions.SSLError:
            reason = "its certificate is not one that this machine trusts"
            raise NotDone(NotTold(trouble=Trouble.NETWORK, reason=reason, remedy="see SSL_CERT_FILE")) from None
        except requests.exceptions.Timeout:
            raise NotDone(NotTold(trouble=Trouble.NETWORK, reason="no answer came in time")) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError):
            reason = "the address or the token cannot be used as it is written"
            raise NotDone(NotTold(trouble=Trouble.SETTINGS, reason=reason, remedy="check guardian.*")) from None
        except (requests.exceptions.RequestException, OSError) as error:
            # Its text may hold the address, and an address may be a key: only the kind of the error is told.
            reason = f"no connection, or it broke off ({type(error).__name__})"
            raise NotDone(NotTold(trouble=Trouble.NETWORK, reason=reason)) from None

    def _read(self, response: requests.Response) -> bytes:
        pieces, size = [], 0
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > _LARGEST or time.monotonic() > self._end:
                raise NotDone(NotTold(trouble=Trouble.SERVER, reason="the answer is too long or does not end"))
        return b"".join(pieces)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
