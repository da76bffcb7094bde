"""The types of settings: what an operator writes, and the whole number or checked text that it becomes."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from koubou.documents.units import duration, size, some_time, usd
from koubou.model.task import TYPES

_BASE_URL = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[A-Za-z0-9._~/%:-]*)?")
_EXECUTOR = re.compile(r"chat|rehearsal|messages|codex|claude|hybrid|command:[A-Za-z0-9_-]{1,40}")
_TIER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class Section(BaseModel):
    """A part of the settings: complete once it is made, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Shown:
    """How the reference names a type."""

    def __init__(self, name: str) -> None:
        self.name = name


def _absolute(path: str) -> str:
    if not path.startswith("/") or "\0" in path:
        raise ValueError("must be an absolute path")
    return path


def _base_url(url: str) -> str:
    if "@" in url:
        raise ValueError("must not carry a name or password; give the key as api_key")
    if not _BASE_URL.fullmatch(url):
        raise ValueError("must be an address such as http://localhost:1234/v1")
    try:
        urlsplit(url).port  # noqa: B018 - asks for the number's range
    except ValueError:
        raise ValueError("has a port above 65535") from None
    return url.rstrip("/")


def _executor(word: str) -> str:
    if not _EXECUTOR.fullmatch(word):
        raise ValueError("must be chat, rehearsal, messages, codex, claude, hybrid or command:<name>")
    return word


def _tier_name(name: str) -> str:
    if not _TIER_NAME.fullmatch(name) or name == "auto":
        raise ValueError('must have a name of a-z, A-Z, 0-9, "_" and "-", other than auto')
    return name


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone such as UTC, Europe/Berlin or Asia/Tokyo") from None
    return name


def _listen(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port[:6]) <= 65535:
        raise ValueError("must be an address and a port such as 127.0.0.1:8700")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        if host != "localhost":
            raise ValueError("must be an address and a port such as 127.0.0.1:8700") from None
    return address


def window_address(address: str) -> str:
    """Checked: an address and port, or unix:/path. Raises ValueError."""
    if address.startswith("unix:"):
        _absolute(address.removeprefix("unix:"))
        return address
    return _listen(address)


def _task_type(word: str) -> str:
    if word not in TYPES:
        raise ValueError(f"must be one of {', '.join(TYPES)}")
    return word


def _whole(value: object) -> object:
    # YAML has many words for true, and Python takes it for 1.
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Duration = Annotated[int, BeforeValidator(duration), Shown("duration")]
"""Milliseconds."""
SomeTime = Annotated[int, BeforeValidator(some_time), Shown("duration from 1s")]
"""Milliseconds, for what would be over before it has begun."""
Size = Annotated[int, BeforeValidator(size), Shown("size")]
"""Bytes."""
Usd = Annotated[int, BeforeValidator(usd), Shown("USD")]
"""Nano-dollars."""
Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Share = Annotated[Number, Field(ge=0, le=100), Shown("share")]
"""A part of a limit: 0.8 is 80 %."""
Count = Annotated[Whole, Field(ge=0, le=10**12), Shown("count")]
Positive = Annotated[Whole, Field(ge=1, le=10**9), Shown("count from 1")]
AbsolutePath = Annotated[str, AfterValidator(_absolute), Shown("path")]
BaseUrl = Annotated[str, AfterValidator(_base_url), Shown("address")]
Executor = Annotated[str, AfterValidator(_executor), Shown("executor")]
TierName = Annotated[str, AfterValidator(_tier_name), Shown("tier's name")]
"""The name that a tier is given."""
TierNamed = Annotated[str, Shown("tier's name")]
"""A tier that is spoken of; whether there is such a one, the cross-checks say."""
TaskType = Annotated[str, AfterValidator(_task_type), Shown("type of task")]
Timezone = Annotated[str, AfterValidator(_timezone), Shown("time zone")]
WindowAddress = Annotated[str, AfterValidator(window_address), Shown("address:port or unix:/path")]
Name = Annotated[str, Field(min_length=1, max_length=200), Shown("text")]
