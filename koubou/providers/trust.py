"""What a connection to a provider begins with: keys that can be keys, whom to trust, what stood in the way."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import msgspec

from koubou.errors import CannotServe
from koubou.model.tier import Tier

KEEP = 4.0
"""How many seconds an idle connection is kept: less than the 5 after which the impatient servers (uvicorn, Node) close
theirs. A request that crosses with a close may have been served, and costs its whole hold.
"""


def usable_keys(tier: Tier, api_keys: tuple[str, ...]) -> tuple[str, ...]:
    """The same keys. Raises CannotServe for what cannot travel in a header."""
    if not all(key.isascii() and key.isprintable() and " " not in key for key in api_keys):
        raise CannotServe(f"tier {tier.name}: its API key is no key (blanks, line ends)", "set the key again")
    return api_keys


def authorities() -> ssl.SSLContext | bool:
    """The operator's own certificate authorities where OpenSSL's two variables name them, else True: the system's.

    Raises CannotServe.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        return True
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except OSError:
        raise CannotServe("SSL_CERT_FILE or SSL_CERT_DIR cannot be read", "mend or unset it") from None


def obstacle(error: BaseException, too_late: type[BaseException] = TimeoutError) -> str:
    """What stood in the way of a connection: the first of an error's causes that is known, in a word.

    `too_late` is what a library raises when a connection takes too long.
    """
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ssl.SSLCertVerificationError():
                return "certificate"
            case ssl.SSLError():
                return "tls"
            case socket.gaierror():
                return "dns"
            case ConnectionRefusedError():
                return "refused"
        if isinstance(cause, too_late):
            return "connect_timeout"
        cause = cause.__cause__ or cause.__context__
    return "connect"


def object_of(data: bytes) -> Mapping[str, Any] | None:
    """The JSON object that stands there, or None."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        try:
            value = json.loads(data)  # it takes more for JSON: half a surrogate pair, NaN, other encodings
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None
