"""Fetches API keys from where the settings say they are; keys are never kept with the settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from koubou.config.tier_settings import KeySource
from koubou.errors import KoubouError

_LONGEST = 10_000


class NoKey(KoubouError):
    """There is no usable key where the settings say; the message says where and what to do, never the key."""


def fetch_key(source: KeySource, environ: Mapping[str, str]) -> str:
    """The key that a source names. Raises NoKey."""
    if source.env is not None:
        where, key = f"the environment variable {source.env}", environ.get(source.env, "")
    elif source.credential is not None:
        where, key = f"the credential {source.credential}", _credential(source.credential, environ)
    else:
        raise NoKey("keys from the encrypted store are not part of this version; use env or credential")
    key = key.strip()
    if not key:
        raise NoKey(f"{where} is not set")
    if not key.isascii() or not key.isprintable() or " " in key or len(key) > _LONGEST:
        raise NoKey(f"{where} does not hold a key: it has characters that no key has")
    return key


def _credential(name: str, environ: Mapping[str, str]) -> str:
    """The content of a systemd credential. Links are not followed; the file is the manager's own."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise NoKey(f"the credential {name} is not there: add LoadCredential={name}:<file> to the service")
    try:
        descriptor = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NoKey(f"the credential {name} cannot be read: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NoKey(f"the credential {name} is not a regular file")
        return file.read(_LONGEST + 1).decode("utf-8", errors="replace")
