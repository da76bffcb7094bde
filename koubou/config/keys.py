"""Fetches API keys from where the settings say they are; keys are never kept with the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from koubou.config.settings import Settings
from koubou.config.tier_settings import KeySource
from koubou.errors import KoubouError, SecretsUnusable, UnknownSecret
from koubou.vault.credential import read_credential
from koubou.vault.key_file import KeyPlace, default_key_file
from koubou.vault.vault import AskPassphrase, Vault

_LONGEST = 10_000
_SHORTEST_KEPT = 8
_NO_KEYS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^=].*|<.*>|\$.*|\".*\"|'.*'|\*+|x+|\.+", re.IGNORECASE)
"""A line of an environment file, a placeholder, a name of a variable, a word in quotation marks."""


class NoKey(KoubouError):
    """There is no usable key where the settings say; the message says where and what to do, never the key."""


def vault_of(settings: Settings, environ: Mapping[str, str], ask_passphrase: AskPassphrase | None = None) -> Vault:
    """The vault of the workshop that these settings are of; nothing is opened before it is asked."""
    place = KeyPlace(file=settings.secrets.key_file or default_key_file(), home=settings.home, environ=environ)
    return Vault(f"{settings.home}/secrets", place, ask_passphrase)


def fetch_keys(sources: Sequence[KeySource], environ: Mapping[str, str], vault: Vault) -> tuple[str, ...]:
    """The keys that are where the sources say, in order, each once. Raises NoKey where there is none at all."""
    found: list[str] = []
    reasons: list[str] = []
    for source in sources:
        try:
            found += _fetch(source, environ, vault)
        except NoKey as reason:
            reasons.append(str(reason))
    if not found:
        raise NoKey("; ".join(dict.fromkeys(reasons)))
    return tuple(dict.fromkeys(found))


def fetch_key(source: KeySource, environ: Mapping[str, str], vault: Vault) -> str:
    """The first key of a source. Raises NoKey."""
    return fetch_keys([source], environ, vault)[0]


def why_no_key(key: str) -> str | None:
    """Why a text cannot be an API key; None when it can. Never quotes it."""
    if not key:
        return "it is empty"
    if not key.isascii() or not key.isprintable() or " " in key:
        return "it has characters that no key has"
    if len(key) > _LONGEST:
        return f"it is longer than {_LONGEST:,} characters"
    return None


def why_not_kept(key: str) -> str | None:
    """The same, and more strictly: what a person gives to keep is rather a slip than an odd key."""
    if (why := why_no_key(key)) is not None:
        return why
    if len(key) < _SHORTEST_KEPT:
        return f"it is shorter than {_SHORTEST_KEPT} characters"
    if _NO_KEYS.fullmatch(key):
        return "it is a placeholder, a variable or a quotation; give the bare key"
    return None


def _fetch(source: KeySource, environ: Mapping[str, str], vault: Vault) -> list[str]:
    """The keys of one source. Raises NoKey."""
    if source.env is not None:
        return [_usable(environ.get(source.env, ""), f"the environment variable {source.env}")]
    name = source.credential or source.secret or ""
    credential = _credential(name, environ)
    if credential is not None:
        return [_usable(credential, f"the credential {name}")]
    if source.credential is not None:
        raise NoKey(f"the credential {name} is not there: add LoadCredential={name}:<file> to the service")
    try:
        return [_usable(value.text, f"the secret {name}") for value in vault.values(name)]
    except (SecretsUnusable, UnknownSecret) as error:
        raise NoKey(str(error)) from None
    except OSError as error:
        raise NoKey(f"the secret {name} cannot be read: {error.strerror}") from None


def _usable(text: str, where: str) -> str:
    key = text.strip()
    if not key:
        raise NoKey(f"{where} is not set")
    if (why := why_no_key(key)) is not None:
        raise NoKey(f"{where} does not hold a key: {why}")
    return key


def _credential(name: str, environ: Mapping[str, str]) -> str | None:
    try:
        content = read_credential(name, environ)
    except OSError as error:
        raise NoKey(f"the credential {name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise NoKey(f"the credential {name} {error}") from None
    return None if content is None else content.decode("utf-8", errors="replace")
