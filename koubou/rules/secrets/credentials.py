"""Secrets that show by their own form: key blocks, credentials in addresses, headers, tokens with a prefix."""

from __future__ import annotations

import re

from koubou.rules.expression import Expression
from koubou.rules.secrets.pattern import Pattern
from koubou.rules.secrets.placeholders import entropy, is_placeholder

_DUMMY_USERS = frozenset({"user", "username", "usr", "name", "login", "me", "someone", "foo", "id"})
_DUMMY_PASSWORDS = frozenset(
    {"password", "passwd", "pass", "pwd", "pw", "secret", "token", "passwort", "key", "credentials"}
)
_ADDRESS = Expression(r"://(?P<user>[^\s:/@\"'`<>|\\]{0,100}):(?P<value>[^\s/\"'`<>\\]{1,200})@(?=[\w\[(.{%$<*-])")


def is_credential_in_address(match: re.Match[str], _text: str) -> bool:
    """Whether an address `scheme://user:password@host` carries a password, and not the words or the name again."""
    user, password = match["user"], match["value"]
    return not (
        password.lower() == user.lower()
        or (password.lower() in _DUMMY_PASSWORDS and (password.lower() != "secret" or user.lower() in _DUMMY_USERS))
        or is_placeholder(password)
        or password.startswith(("$", "{", "<", "%("))
        or "://" in password
    )


def is_harmless_address(text: str) -> bool:
    """Whether the text is an address with credentials, all of them placeholders."""
    matches = list(_ADDRESS.compiled.finditer(text))
    return bool(matches) and not any(is_credential_in_address(match, text) for match in matches)


def _has_key_body(match: re.Match[str], text: str) -> bool:
    """Whether a key follows; or the head has a line for itself, and what follows is no end and no dots."""
    behind = text[match.end() : match.end() + 600].partition("-----END")[0]
    if re.search(r"[A-Za-z0-9+/=]{20}", behind):
        return True
    alone = text[max(0, match.start() - 1) : match.start()] in {"", "\n"} and re.match(r"[ \t]*(?:\n|$)", behind)
    return bool(alone) and not re.match(r"\s*(?:-|\S{0,12}(?:\.\.\.|…)|[<\[{(*`]|your\b)", behind, re.I)


def _is_token(match: re.Match[str], _text: str) -> bool:
    value = match["value"]
    return not is_placeholder(value) and entropy(value) > 2.5 and any(letter.isdigit() for letter in value)


def _is_basic(match: re.Match[str], _text: str) -> bool:
    value = match["value"]
    return not is_placeholder(value) and len(value) % 4 != 1 and (any(map(str.isdigit, value)) or value.endswith("="))


def _is_wallet_key(match: re.Match[str], text: str) -> bool:
    around = text[max(0, match.start() - 160) : match.end() + 160].lower()
    told = re.search(r"private|wallet|mnemonic|signer|secret|秘密|私钥|do not share", around)
    return told is not None and not re.search(r"hash|digest|sha-?256|commit|checksum|block|transaction|\btx", around)


def _is_manifest(match: re.Match[str], text: str) -> bool:
    section = text[match.end() : match.end() + 1500].split("\n---")[0]
    data = re.search(r"\n(?:string)?data:[ \t]*\n((?:[ \t]{1,8}[^\n]{0,400}\n?){1,50})", section, re.I)
    above = text[max(0, match.start() - 800) : match.start()].rsplit("\n---", 1)[-1]
    data = data or re.search(r"(?:^|\n)(?:string)?data:[ \t]*\n((?:[ \t]{1,8}[^\n]{0,400}\n?){1,50})", above, re.I)
    if data is None:
        return False
    values = re.findall(r":[ \t]*[\"']?([^\s\"']{4,})", data[1])
    return any(not is_placeholder(value) for value in values)


def _is_userinfo(match: re.Match[str], _text: str) -> bool:
    value = match["value"]
    return not is_placeholder(value) and value.lower() not in _DUMMY_PASSWORDS and not value.startswith("$")


PATTERNS = (
    Pattern(
        rule="private-key-block",
        category="private_key",
        hints=("private key", "putty-user-key-file", "ssh2 encrypted"),
        expression=Expression(
            r"-{4,5} ?BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}|PuTTY-User-Key-File-[123]:"
            r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY"
        ),
        accepts=_has_key_body,
    ),
    Pattern(
        rule="private-key-in-xml",
        category="private_key",
        hints=("<rsakeyvalue>", "<dsakeyvalue>"),
        expression=Expression(r"<(?:D|X|InverseQ)>\s{0,8}[A-Za-z0-9+/]{20,2000}={0,2}\s{0,8}</"),
    ),
    Pattern(
        rule="age-secret-key",
        category="private_key",
        hints=("age-secret-key-1",),
        expression=Expression(r"AGE-SECRET-KEY-1[A-Z0-9]{50,60}"),
    ),
    Pattern(
        rule="wallet-private-key",
        category="private_key",
        hints=("0x",),
        expression=Expression(r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{64}(?![0-9a-fA-F])"),
        accepts=_is_wallet_key,
    ),
    Pattern(
        rule="credential-in-address",
        category="connection_string",
        hints=("://",),
        expression=_ADDRESS,
        accepts=is_credential_in_address,
    ),
    Pattern(
        rule="credential-in-address",
        category="connection_string",
        hints=("jdbc:oracle:",),
        expression=Expression(r"jdbc:oracle:(?:thin|oci8?):(?P<user>[\w.$-]{1,60})/(?P<value>[^\s/@\"']{1,100})@"),
        accepts=is_credential_in_address,
    ),
    Pattern(
        rule="authorization-header",
        category="authorization",
        hints=("bearer ", "authorization", "auth:", 'auth": "token', "auth: token", 'auth="token'),
        around=1200,
        expression=Expression(
            r"(?:auth(?:orization)?[\"']?\s?[:=]\s?[\"'fb]{0,2}\s?)?(?:bearer|token"
            r"|apikey)\s{1,2}(?P<value>[A-Za-z0-9._~+/\-]{16,1000}={0,2})",
            re.I,
        ),
        accepts=_is_token,
    ),
    Pattern(
        rule="authorization-basic",
        category="authorization",
        hints=("basic ",),
        around=600,
        expression=Expression(
            r"authorization[\"']?[ \t]?[:=,][ \t]?[\"'fb]{0,2}[ \t]?basic[ "
            r"\t]{1,2}(?P<value>[A-Za-z0-9+/\-_]{8,400}={0,2})",
            re.I,
        ),
        accepts=_is_basic,
    ),
    Pattern(
        rule="key-header",
        category="authorization",
        hints=("x-", "api-key"),
        around=500,
        expression=Expression(
            r"(?:x-[a-z0-9-]{0,30}(?:key|token|secret|auth|api)"
            r"|api-key)[\"']?[ \t]?[:=][ \t]?[\"']?(?P<value>[A-Za-z0-9._~+/=\-]{16,400})",
            re.I,
        ),
        accepts=_is_token,
    ),
    Pattern(
        rule="command-line-credentials",
        category="password",
        hints=("curl ", "--user", "wget ", "http -a", "https -a"),
        around=1500,
        expression=Expression(r"(?:-u|--user|https?[ ]-a)[ =][\"']?[\w.@+-]{1,60}:(?P<value>[^\s\"'@]{4,100})"),
        accepts=_is_userinfo,
    ),
    Pattern(
        rule="json-web-token",
        category="jwt",
        hints=("eyj",),
        expression=Expression(r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{6,4000}(?:\.[A-Za-z0-9_-]{0,2000})?"),
    ),
    Pattern(
        rule="kubernetes-secret",
        category="secret_key",
        hints=("kind: secret", 'kind: "secret"', "kind: 'secret'"),
        expression=Expression(r"(?:^|\n)kind:[ \t]{1,4}[\"']?Secret[\"']?[ \t]{0,4}(?=\n|$)"),
        accepts=_is_manifest,
    ),
)
