"""The workshop's own API keys by name, each with its values, the newest first.

One random key seals them all. It is kept in the drawer twice at most, sealed once by the key that lies outside the
home (`.by-key`) and once by a passphrase (`.by-passphrase`): two ways in, and either can be added later.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from koubou.errors import SecretsUnusable, UnknownSecret, UsageMistake
from koubou.vault import drawer
from koubou.vault.drawer import Drawer
from koubou.vault.exposed import Exposed, exposed_files, exposed_way_to
from koubou.vault.key_file import CREDENTIAL, KeyPlace
from koubou.vault.passphrase import seal_by_passphrase, unseal_by_passphrase
from koubou.vault.sealing import NotOpened, new_key, seal, unseal

NAME_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$"
_ENDING = ".secret"
_BY_KEY, _BY_PASSPHRASE = ".by-key", ".by-passphrase"


class Value(Struct, frozen=True, kw_only=True):
    """One value of a secret, and when it was set (ms UTC)."""

    text: str
    set_at: int

    def __repr__(self) -> str:
        return f"Value(set_at={self.set_at})"  # never the text


AskPassphrase = Callable[[bool], str]
"""Asks a person; True where it becomes the vault's passphrase, so that a slip of the finger would lock him out."""


class Vault:
    """The keys in one folder. Reading opens it once; whoever changes it waits for the one who does so now."""

    def __init__(self, folder: str, place: KeyPlace, ask_passphrase: AskPassphrase | None = None) -> None:
        self.notes: list[str] = []
        """What the caller should tell the person who changed something."""
        self._folder = folder
        self._place = place
        self._ask = ask_passphrase
        self._opened_by: bytes | None = None

    def names(self) -> list[str]:
        """The secrets that there are; needs no key."""
        with drawer.opened(self._folder) as held:
            return [] if held is None else _names(held)

    def values(self, name: str) -> tuple[Value, ...]:
        """The values of a secret, the newest first. Raises UnknownSecret, SecretsUnusable."""
        _check(name)
        with drawer.opened(self._folder) as held:
            found = None if held is None else self._read(held, name)
        if found is None:
            raise UnknownSecret(f'there is no secret "{name}"; put it there: koubou secret set {name}')
        return found

    def survey(self) -> dict[str, tuple[Value, ...] | SecretsUnusable]:
        """Every secret by name: its values, or what is wrong with that one. Raises SecretsUnusable where none opens."""
        found: dict[str, tuple[Value, ...] | SecretsUnusable] = {}
        with drawer.opened(self._folder) as held:
            if held is None or not (names := _names(held)):
                return found
            self._key(held)
            for name in names:
                try:
                    values = self._read(held, name)
                except SecretsUnusable as error:
                    found[name] = error
                else:
                    found |= {name: values} if values is not None else {}  # somebody forgets it just now
        return found

    def exposed(self) -> list[Exposed]:
        """What others could read or replace; needs no key. Raises SecretsUnusable, OSError."""
        with drawer.opened(self._folder) as held:
            files = [] if held is None else list(exposed_files(held.path))
        return [*files, *(exposed_way_to(self._place.file) if self._place.file_is_used else ())]

    def set(self, name: str, text: str, now: int) -> tuple[Value, ...]:
        """Keep this value, and no other, under the name. Raises SecretsUnusable, OSError."""
        _check(name)
        with self._changing() as held:
            self._complete_ways_in(held)
            return self._write(held, name, [Value(text=text, set_at=now)])

    def rotate(self, name: str, text: str, now: int, keep: int) -> tuple[Value, ...]:
        """Put a value before those that there are, and keep so many at most. Raises as `values` and `set` do."""
        with self._changing() as held:
            older = [value for value in self.values(name) if value.text != text]
            self._complete_ways_in(held)
            return self._write(held, name, [Value(text=text, set_at=now), *older][:keep])

    def drop_old(self, name: str) -> tuple[Value, ...]:
        """Forget all values but the newest. Raises as `values` and `set` do."""
        with self._changing() as held:
            return self._write(held, name, self.values(name)[:1])

    def remove(self, name: str) -> None:
        """Forget a secret; needs no key. Raises UnknownSecret, OSError."""
        _check(name)
        if name not in self.names():
            raise UnknownSecret(f'there is no secret "{name}"; koubou secret list shows those that there are')
        with self._changing() as held:
            held.remove(name + _ENDING)

    @contextmanager
    def _changing(self) -> Iterator[Drawer]:
        drawer.make(self._folder)
        with drawer.opened(self._folder) as held:
            if held is None:
                raise SecretsUnusable(f"{self._folder}: somebody takes the folder away while we write to it")
            with held.locked():
                yield held

    def _read(self, held: Drawer, name: str) -> tuple[Value, ...] | None:
        sealed = held.read(name + _ENDING)
        if sealed is None:
            return None
        try:
            plain = unseal(self._key(held), _purpose(name), sealed)
        except NotOpened:
            where = f"{held.path}/{name}{_ENDING}"
            raise SecretsUnusable(
                f"{where}: was changed, or is of another name or vault; set it again: koubou secret set {name}"
            ) from None
        return tuple(Value(text=text, set_at=at) for text, at in json.loads(plain))

    def _write(self, held: Drawer, name: str, values: Sequence[Value]) -> tuple[Value, ...]:
        plain = json.dumps([(value.text, value.set_at) for value in values]).encode()
        held.write(name + _ENDING, seal(self._key(held), _purpose(name), plain))
        return tuple(values)

    # The ways in

    def _key(self, held: Drawer) -> bytes:
        """The key that seals all: opened by the passphrase where one is offered, else by the key outside."""
        if self._opened_by is None:
            sealed = held.read(_BY_PASSPHRASE) if self._ask is not None else None
            self._opened_by = self._by_key(held) if sealed is None else self._by_passphrase(sealed)
        return self._opened_by

    def _by_passphrase(self, sealed: bytes) -> bytes:
        assert self._ask is not None  # noqa: S101 - the caller has looked
        try:
            return unseal_by_passphrase(self._ask(False), _BY_PASSPHRASE, sealed)
        except NotOpened:
            raise SecretsUnusable("this passphrase does not open the workshop's keys; give the right one") from None

    def _by_key(self, held: Drawer) -> bytes:
        sealed = held.read(_BY_KEY)
        if sealed is None:
            way = (
                "they were set with a passphrase only: give --passphrase" if held.read(_BY_PASSPHRASE) else _lost(held)
            )
            raise SecretsUnusable(f"the workshop's keys cannot be opened by a key: {way}")
        key = self._place.find()
        if key is None:
            raise SecretsUnusable(
                f"the workshop's keys cannot be opened: {self._place.missing}; put it back from its backup, "
                f"or empty {held.path} and set the keys again"
            )
        try:
            return unseal(key, _BY_KEY, sealed)
        except NotOpened:
            where = self._place.file if self._place.file_is_used else f"the credential {CREDENTIAL}"
            raise SecretsUnusable(
                f"{where}: this is not the key that the workshop's keys were sealed with; put the right one back "
                f"from its backup, or empty {held.path} and set the keys again"
            ) from None

    def _complete_ways_in(self, held: Drawer) -> None:
        """Begin the vault, or add the way in that is offered and not there yet."""
        has_key, has_passphrase = _BY_KEY in held.names(), _BY_PASSPHRASE in held.names()
        if not has_key and not has_passphrase:
            if _names(held):
                raise SecretsUnusable(f"the workshop's keys cannot be opened: {_lost(held)}")
            self._opened_by = new_key()
        else:
            self._key(held)  # who cannot open it adds nothing
        if not has_key:
            self._add_key(held)
        if self._ask is not None and not has_passphrase:
            held.write(_BY_PASSPHRASE, seal_by_passphrase(self._ask(True), _BY_PASSPHRASE, self._key(held)))
            self.notes.append("the passphrase opens the workshop's keys from now on")

    def _add_key(self, held: Drawer) -> None:
        try:
            there = self._place.find() is not None
            outer = self._place.find_or_make()
        except SecretsUnusable as error:
            if self._ask is None:
                raise
            self.notes.append(f"only the passphrase opens the workshop's keys, so no service can: {error}")
            return
        held.write(_BY_KEY, seal(outer, _BY_KEY, self._key(held)))
        if not there:
            self.notes.append(f"made {self._place.file}: keep a copy of it elsewhere, for it opens these keys")
        if self._place.file_is_used and os.geteuid() == 0 and os.stat(held.path).st_uid != 0:
            self.notes.append(
                f"the service's user cannot read {self._place.file}: give it to the service with "
                f"LoadCredential={CREDENTIAL}:{self._place.file}"
            )


def _names(held: Drawer) -> list[str]:
    return [name.removesuffix(_ENDING) for name in held.names() if name.endswith(_ENDING) and name[0] != "."]


def _lost(held: Drawer) -> str:
    return f"{held.path}/{_BY_KEY} is not there; put it back from its backup, or empty {held.path} and set them again"


def _purpose(name: str) -> str:
    return f"secret {name}"


def _check(name: str) -> None:
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise UsageMistake('a secret\'s name has letters, digits, ".", "_" and "-", and does not begin with a dot')
