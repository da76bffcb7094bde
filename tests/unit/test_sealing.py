"""What is sealed opens with its key for its purpose, and not at all once a byte of it was changed."""

from __future__ import annotations

import pytest

from koubou.vault.sealing import NotOpened, new_key, seal, unseal

KEY = bytes(range(32))
TEXT = b"sk-live-0123456789"


def test_what_is_sealed_is_opened_again_and_does_not_show_through() -> None:
    sealed = seal(KEY, "secret openai", TEXT)
    assert unseal(KEY, "secret openai", sealed) == TEXT
    assert TEXT not in sealed
    assert seal(KEY, "secret openai", TEXT) != sealed, "each writing has a nonce of its own"


def test_no_byte_of_it_can_be_changed() -> None:
    sealed = seal(KEY, "secret openai", TEXT)
    for place in range(len(sealed)):
        for change in (0x01, 0x80, 0xFF):
            tampered = sealed[:place] + bytes([sealed[place] ^ change]) + sealed[place + 1 :]
            with pytest.raises(NotOpened):
                unseal(KEY, "secret openai", tampered)


def test_no_byte_of_it_may_be_missing_and_none_be_added() -> None:
    sealed = seal(KEY, "secret openai", TEXT)
    for length in range(len(sealed)):
        with pytest.raises(NotOpened):
            unseal(KEY, "secret openai", sealed[:length])
    with pytest.raises(NotOpened):
        unseal(KEY, "secret openai", sealed + b"\0")


def test_another_key_and_another_purpose_do_not_open_it() -> None:
    sealed = seal(KEY, "secret openai", TEXT)
    with pytest.raises(NotOpened):
        unseal(new_key(), "secret openai", sealed)
    with pytest.raises(NotOpened):
        unseal(KEY, "secret anthropic", sealed)
