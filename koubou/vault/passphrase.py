"""A key from a passphrase, for people: slow on purpose, so that guessing is."""

from __future__ import annotations

import os

from koubou.vault.sealing import KEY_BYTES, NotOpened, seal, unseal

_SALT_BYTES = 16
# 128 MiB and about half a second a guess (scrypt, RFC 7914; the cost that OWASP's password storage sheet names first).
_COST, _BLOCK, _LANES = 1 << 17, 8, 1


def seal_by_passphrase(passphrase: str, purpose: str, plain: bytes) -> bytes:
    """The bytes, readable with the passphrase only; the salt stands before them."""
    salt = os.urandom(_SALT_BYTES)
    return salt + seal(_stretched(passphrase, salt), f"{purpose} {salt.hex()}", plain)


def unseal_by_passphrase(passphrase: str, purpose: str, sealed: bytes) -> bytes:
    """What was sealed. Raises NotOpened."""
    salt, rest = sealed[:_SALT_BYTES], sealed[_SALT_BYTES:]
    if len(salt) < _SALT_BYTES:
        raise NotOpened
    return unseal(_stretched(passphrase, salt), f"{purpose} {salt.hex()}", rest)


def _stretched(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=KEY_BYTES, n=_COST, r=_BLOCK, p=_LANES).derive(
        passphrase.encode("utf-8", "surrogateescape")
    )
