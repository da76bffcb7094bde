"""Sealing bytes with AES-256-GCM: what was sealed for one purpose opens for that purpose alone. No files here."""

from __future__ import annotations

import os

KEY_BYTES = 32
_NONCE_BYTES = 12
"""96 random bits, new for each write (NIST SP 800-38D, 8.2.2: good for 2**32 writes under one key)."""
_FORMAT = b"koubou sealed 1\n"
"""Stands before what is sealed, and is authenticated with it: another format will have another number."""


class NotOpened(Exception):
    """The key is another, the purpose is another, or a byte was changed; which of them, nobody can tell."""


def new_key() -> bytes:
    """A key from the kernel's random numbers."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, purpose: str, plain: bytes) -> bytes:
    """The bytes, readable with this key for this purpose only."""
    # Imported late: 30 ms that only who seals or opens has to pay.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, _FORMAT + purpose.encode())


def unseal(key: bytes, purpose: str, sealed: bytes) -> bytes:
    """What was sealed. Raises NotOpened."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not sealed.startswith(_FORMAT):
        raise NotOpened
    nonce, rest = sealed[len(_FORMAT) :][:_NONCE_BYTES], sealed[len(_FORMAT) + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, rest, _FORMAT + purpose.encode())
    except (InvalidTag, ValueError):  # ValueError: too short for a nonce
        raise NotOpened from None
