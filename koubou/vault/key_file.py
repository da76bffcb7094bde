"""The key that opens the vault: the credential `koubou-key`, or a file that lies outside the workshop's home."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from koubou.errors import SecretsUnusable
from koubou.vault.credential import read_credential
from koubou.vault.sealing import KEY_BYTES, new_key

CREDENTIAL = "koubou-key"
_ROOTS_OWN = "/etc/koubou/secret.key"
_A_USERS_OWN = "~/.config/koubou/secret.key"


def default_key_file() -> str:
    """Where the key lies when the settings do not say: root's and an ordinary user's place."""
    return _ROOTS_OWN if os.geteuid() == 0 else str(Path(_A_USERS_OWN).expanduser())


class KeyPlace(Struct, frozen=True, kw_only=True):
    """Where the key is looked for. A thief of `home` (a backup, a disk) must not find it there."""

    file: str
    home: str
    environ: Mapping[str, str]

    def __repr__(self) -> str:
        return f"KeyPlace(file={self.file!r}, home={self.home!r})"  # never the environment

    def find(self) -> bytes | None:
        """The key; None where there is none yet. Raises SecretsUnusable for one that cannot be trusted."""
        return self._from_credential() or self._from_file()

    def find_or_make(self) -> bytes:
        """The key; where there is none, a new one in a new file of ours. Raises SecretsUnusable."""
        key = self.find()
        if key is not None:
            return key
        try:
            _make(self.file)
        except OSError as error:
            raise SecretsUnusable(f"{self.file}: the key cannot be made: {error.strerror}; {self._remedy}") from None
        made = self._from_file()
        if made is None:
            raise SecretsUnusable(f"{self.file}: somebody takes the key away while we make it")
        return made

    @property
    def file_is_used(self) -> bool:
        """Whether it is the file that counts, and not a credential."""
        with suppress(OSError, ValueError):
            return read_credential(CREDENTIAL, self.environ) is None
        return False

    @property
    def missing(self) -> str:
        """What is not there, for a message."""
        return f"neither the credential {CREDENTIAL} nor the key file {self.file} is there"

    @property
    def _remedy(self) -> str:
        return "name a file that you may write: secrets: {key_file: …} in the settings"

    def _from_credential(self) -> bytes | None:
        try:
            key = read_credential(CREDENTIAL, self.environ)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise SecretsUnusable(f"the credential {CREDENTIAL} cannot be read: {why}") from None
        return None if key is None else _checked(key, f"the credential {CREDENTIAL}")

    def _from_file(self) -> bytes | None:
        real = os.path.realpath(self.file)
        if os.path.commonpath([real, os.path.realpath(self.home)]) == os.path.realpath(self.home):
            raise SecretsUnusable(
                f"{self.file}: the key lies inside the workshop's home, where whoever copies the home has it too; "
                "name a file elsewhere: secrets: {key_file: …} in the settings"
            )
        try:
            descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SecretsUnusable(f"{self.file}: the key cannot be read: {error.strerror}") from None
        with open(descriptor, "rb") as file:
            self._refuse_exposed(os.fstat(descriptor))
            return _checked(file.read(KEY_BYTES + 1), self.file)

    def _refuse_exposed(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise SecretsUnusable(f"{self.file}: is no regular file; the key is one")
        if found.st_mode & 0o077:
            mode = stat.S_IMODE(found.st_mode)
            raise SecretsUnusable(f"{self.file}: others may read or change the key ({mode:04o}); chmod 600 {self.file}")
        if found.st_uid not in self._trusted():
            raise SecretsUnusable(f"{self.file}: the key belongs to uid {found.st_uid}, who is neither you nor root")

    def _trusted(self) -> set[int]:
        """Whose the file may be: ours, root's; for root also the workshop's own user, in whose name he acts."""
        trusted = {0, os.geteuid()}
        if os.geteuid() == 0:
            with suppress(OSError):
                trusted.add(os.stat(self.home).st_uid)
        return trusted


def _checked(key: bytes, where: str) -> bytes:
    if len(key) != KEY_BYTES:
        raise SecretsUnusable(f"{where}: is no key: it must hold exactly {KEY_BYTES} bytes (head -c 32 /dev/urandom)")
    return key


def _make(path: str) -> None:
    """A new key that appears whole or not at all, and never over one that is there. Raises OSError."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    draft = f"{path}.{secrets.token_hex(8)}.tmp"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(new_key())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another was quicker, and his key is as good
            os.link(draft, path)
    finally:
        os.unlink(draft)
    _sync(folder)


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
