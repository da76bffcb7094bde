"""Asking for a passphrase: of a person at a terminal, who sees nothing of it, or of a program by a descriptor."""

from __future__ import annotations

import getpass
import os
import sys

from koubou.errors import UsageMistake
from koubou.vault.vault import AskPassphrase

_SHORTEST = 8
_LONGEST = 1000


def from_person(becomes_it: bool) -> str:
    """Ask on the terminal; twice where it becomes the passphrase. Raises UsageMistake."""
    if not sys.stdin.isatty() and not os.access("/dev/tty", os.R_OK | os.W_OK):
        raise UsageMistake("--passphrase asks on a terminal, and there is none; programs use --passphrase-fd")
    passphrase = getpass.getpass("New passphrase: " if becomes_it else "Passphrase: ")
    if becomes_it and getpass.getpass("The same again: ") != passphrase:
        raise UsageMistake("the two passphrases differ; nothing was changed")
    return _checked(passphrase, becomes_it)


def from_descriptor(descriptor: int) -> AskPassphrase:
    """Read it from a descriptor, up to the end or the first line end."""

    def ask(becomes_it: bool) -> str:
        try:
            data = os.read(descriptor, _LONGEST + 1)
        except OSError as error:
            raise UsageMistake(f"--passphrase-fd {descriptor}: cannot be read: {error.strerror}") from None
        lines = data.decode("utf-8", errors="surrogateescape").splitlines()
        return _checked(lines[0] if lines else "", becomes_it)

    return ask


def _checked(passphrase: str, becomes_it: bool) -> str:
    if not passphrase:
        raise UsageMistake("the passphrase is empty")
    if becomes_it and len(passphrase) < _SHORTEST:
        raise UsageMistake(f"a passphrase has at least {_SHORTEST} characters; better five words")
    return passphrase
