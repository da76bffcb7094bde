"""Secrets with no sign between name and value: in command lines, statements, files of clients, and plain speech."""

from __future__ import annotations

import base64
import binascii
import re

from koubou.rules.expression import Expression
from koubou.rules.secrets.pattern import Pattern
from koubou.rules.secrets.placeholders import entropy, is_argument, is_placeholder, random_looking

_NO_WORDS = frozenset({"the", "and", "for", "you", "your", "with", "that", "this", "from", "are", "not", "was", "have"})

_BLANKS = frozenset({"password", "passwd", "pass", "secret", "token", "pwd", "username", "user"})


def _is_strong(match: re.Match[str], _text: str) -> bool:
    """As people choose a password who were told how: letters, digits and a third kind, and no name of a method."""
    value = match["value"].rstrip(".,;:)。、")
    kinds = (str.islower, str.isupper, str.isdigit, lambda letter: not letter.isalnum())
    mixed = len(value) >= 8 and value[-1:] not in "([{" and sum(any(map(kind, value)) for kind in kinds) >= 3
    shaped = mixed and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return shaped and not is_placeholder(value) and _NAME.fullmatch(value) is None and "://" not in value


def _is_given(match: re.Match[str], _text: str) -> bool:
    """After an option or a statement that takes nothing but a password: letters and digits are enough."""
    value = match["value"].rstrip(";,")
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return mixed and len(value) >= 6 and not is_placeholder(value) and _NAME.fullmatch(value) is None


def _is_no_blank(match: re.Match[str], _text: str) -> bool:
    """After what takes a password and nothing else: whatever is no placeholder, variable or option."""
    value = match["value"].rstrip(";,")
    return not is_placeholder(value) and value.lower() not in _BLANKS and value[0] not in "$%<{[/"


def _is_argument(match: re.Match[str], _text: str) -> bool:
    return is_argument(match["value"])


def _has_digits(match: re.Match[str], _text: str) -> bool:
    return sum(map(str.isdigit, match["value"])) > 2


def _is_user_and_password(match: re.Match[str], _text: str) -> bool:
    run = match["value"].rstrip("=")
    try:
        user, sign, password = base64.b64decode(run + "=" * (-len(run) % 4)).decode().partition(":")
    except (binascii.Error, ValueError):
        return False
    return bool(user and sign) and len(password) > 3 and not is_placeholder(password)


def _is_drawn(match: re.Match[str], _text: str) -> bool:
    return random_looking(match["value"]) and entropy(match["value"]) > 3 and not is_placeholder(match["value"])


def _is_phrase(match: re.Match[str], _text: str) -> bool:
    words = re.findall("[a-z]+", match["value"])
    return len(set(words)) > 10 and not _NO_WORDS & set(words)


_NAME = re.compile(
    r"[$%@<{].{0,200}|[\w.]{1,80}[(\[].{0,200}|(?:/|\./|~/).{0,200}|[A-Za-z]{1,40}-?\d{1,4}|v?\d[\d.]{0,40}\w?"
    r"|[A-Za-z]{1,40}\d{1,3}[a-z]{1,3}|\w{1,60}=.{0,200}|[A-Z][A-Z0-9_]{1,80}"
)
"""Names of methods, versions, places and variables: Argon2id, UTF-8, SHA-256, $PASSWORD."""

PATTERNS = (
    Pattern(
        rule="password-of-a-client",
        category="password",
        hints=("machine ",),
        around=400,
        expression=Expression(
            r"\bmachine\s[^\s]{1,100}\s{1,8}login\s[^\s]{1,60}\s{1,8}password\s(?P<value>[^\s]{4,100})"
        ),
        accepts=_is_no_blank,
    ),
    Pattern(
        rule="password-of-a-command",
        category="password",
        hints=(
            *("docker login", "redis-cli", "sqlplus ", "net use", "convertto-securestring", "sudo -s", "podman login"),
            *(
                "mysql",
                "keytool ",
                "openssl ",
                "--passphrase ",
                "zip -",
                "7z x ",
                "7z a ",
                "7z e ",
                "chpasswd",
                "smbclient ",
                "htpasswd -",
            ),
        ),
        around=300,
        expression=Expression(
            r"(?:(?:docker|podman)[ ]login[ ][^\n|;]{0,100}?(?:-p|--password)[ =]|\bredis-cli[ ][^\n|;]{0,100}?-a[ ]"
            r"|\bsqlplus[ ](?:-[a-z][ ]){0,3}[\w.-]{1,40}/|\bnet[ ]use[ ][^\n|;]{1,120}?/user:[^\s]{1,60}[ ]"
            r"|\bmysql[a-z]{0,8}[ ](?:-[a-oq-zA-Z]\w{0,20}[ ]{0,2}[\w.-]{0,40}[ ]{1,2}){0,4}-p(?=[^\s]{0,40}\d)"
            r"|\bkeytool[ ][^\n|;]{0,100}?-(?:store|key)pass[ ]|\bopenssl[ ][^\n|;]{0,100}?[ ]pass:"
            r"|[ ]--passphrase[ ](?=\S{0,40}\d)|\b(?:un)?zip[ ](?:-[a-z0-9]{1,4}[ ]){0,3}-p[ ](?=\S{0,40}\d)"
            r"|\b7z[ ][a-z][ ](?:-[a-z0-9]{1,6}[ ]){0,3}-p|\bsmbclient[ ][^\n|;]{0,100}?-U[ ]?[\w.\\-]{1,40}%"
            r"|\bhtpasswd[ ]-[a-z]{0,4}b[a-z]{0,4}[ ]\S{1,60}[ ]\S{1,40}[ ]|\bchpasswd[ ]?<<<[ ]?[\"']?[\w.-]{1,40}:"
            r"|\becho[ ][\"']?[\w.-]{1,40}:(?=\S{3,60}[ ]?[|][ ]?(?:sudo[ ])?chpasswd)"
            r"|\bnet[ ]user[ ][\w.-]{1,40}[ ](?=[^\s/]{4,60}[ ]/add)"
            r"|\bconvertto-securestring[ ](?:-string[ ]|-asplaintext[ ]){0,2}(?=[\"'])"
            r"|\becho[ ](?=[^\n|]{4,100}[|][ ]?sudo[ ]-s\b))[\"']?(?P<value>[^\s\"'\-/@][^\s\"'@]{3,100})",
            re.I,
        ),
        accepts=_is_no_blank,
    ),
    Pattern(
        rule="credentials-of-a-registry",
        category="password",
        hints=('"auth"',),
        around=500,
        expression=Expression(r"\"auth\"[ ]?:[ ]?\"(?P<value>[A-Za-z0-9+/]{8,400}={0,2})\""),
        accepts=_is_user_and_password,
    ),
    Pattern(
        rule="password-as-an-option",
        category="password",
        hints=(
            "--pass",
            "--token",
            "--secret",
            "--api-key",
            "sshpass",
            "requirepass",
            "mysql",
            "identified by",
            ".password ",
            *(f"{name} {kind} " for name in ("password", "secret") for kind in "5789"),
        ),
        around=300,
        expression=Expression(
            r"(?:--(?:password|passwd|pass|token|secret|api-key)[ ]{1,2}|\bsshpass[ ]-p[ ]?|\brequirepass[ ]"
            r"|\bmysql[a-z]{0,8}[ ](?:-[a-oq-zA-Z]\w{0,8}[ ]{0,2}[\w.-]{0,40}[ ]{1,2}){0,4}-p|\bidentified by[ ]"
            r"|\bset[ ][\w.-]{1,60}\.password[ ]|\b(?:password|secret)[ ][4-9][ ](?=[0-9A-Fa-f$]))"
            r"[\"']?(?P<value>[^\s\"'\-][^\s\"']{3,100})",
            re.I,
        ),
        accepts=_is_given,
    ),
    Pattern(
        rule="password-in-speech",
        category="password",
        hints=("password", "passwort", "pw ", "pw:", "passphrase", "cred", "login", "ログイン情報", "账号", "帳號"),
        around=200,
        expression=Expression(
            r"(?:\b(?:password|passwort|passphrase)"
            r"(?:(?: (?:for|to|of|on|at|in)\b[^\n:：=]{1,40})(?:[:：]|[ ]is\b)|['’]s| lautet:?| \()"
            r"|\bPW[:： ]|\b(?:cred(?:ential)?s?|logins?)[:：][ ]?[\w.@+-]{2,40}[ ]?/"
            r"|ログイン情報[:：][^\n/]{2,40}/|(?:账号|帳號)[^\n/]{2,40}/)"
            r"[ ]{0,3}(?P<value>[^\s\"'`（）「」/]{8,100})",
            re.I,
        ),
        accepts=_is_strong,
    ),
    Pattern(
        rule="variable-set-by-a-command",
        category="secret_key",
        hints=("setx ", "setenv ", "set -x ", "set -gx ", "env "),
        around=300,
        expression=Expression(
            r"\b(?:setx|setenv|set[ ]-g?x|env)[ ]{1,3}\w{0,40}(?:key|token|secret|password|passwd|pwd|credentials?)"
            r"\w{0,20}[ ]{1,3}"
            r"[\"']?(?P<value>[^\s\"'$]{6,200})",
            re.I,
        ),
        accepts=_is_given,
    ),
    Pattern(
        rule="password-of-a-call",
        category="password",
        hints=("auth", "login(", "credential"),
        around=250,
        expression=Expression(
            r"(?:auth|login|credentials?)[ ]{0,2}[=(:][ ]{0,2}[(\[]?[\"'][\w.@+-]{1,60}[\"'],[ ]?"
            r"[\"'](?P<value>[^\"'\n]{4,100})"
            r"[\"'][ ]?[)\]]",
            re.I,
        ),
        accepts=_is_argument,
    ),
    Pattern(
        rule="signature-of-an-address",
        category="secret_key",
        hints=("sig=",),
        around=300,
        expression=Expression(r"[?&;]sig=(?P<value>[A-Za-z0-9+/%]{30,200}(?:=|%3[Dd]))"),
        accepts=_is_drawn,
    ),
    Pattern(
        rule="session-cookie",
        category="authorization",
        hints=("cookie:",),
        around=700,
        expression=Expression(
            r"\bcookie:[^\n]{0,200}?\b(?:sess\w{0,12}|sid|\w{0,10}token|auth\w{0,10}|jsessionid|phpsessid|connect\.sid)="
            r"(?P<value>[A-Za-z0-9%._+/-]{16,400})",
            re.I,
        ),
        accepts=_is_drawn,
    ),
    Pattern(
        rule="line-of-a-shadow-file",
        category="password",
        hints=(":$",),
        expression=Expression(
            r"(?:^|\n)[a-z_][\w-]{0,31}:\$(?:1|2[aby]?|5|6|y|gy|7)\$[^\s:]{20,200}:\d{1,6}:\d{0,6}:\d{0,6}:"
        ),
    ),
    Pattern(
        rule="seed-phrase",
        category="private_key",
        hints=("seed", "mnemonic", "recovery", "ニーモニック", "助记词", "助記詞"),
        around=400,
        expression=Expression(
            r"(?:(?:seed|recovery|mnemonic)[ -]?(?:phrase|words?)?|ニーモニック|助记词|助記詞)"
            r"[^\w\n]{0,3}(?:is|は|是)?[^\w\n]{0,4}\n?"
            r"(?P<value>(?:[a-z]{3,8}[ ,\n]{1,2}){11,23}[a-z]{3,8})(?![a-z])"
        ),
        accepts=_is_phrase,
        exact=False,
    ),
    Pattern(
        rule="code-that-opens",
        category="password",
        hints=(" code", "pin:", "pin ="),
        around=60,
        expression=Expression(
            r"(?:\b(?:door|gate|alarm|entry|unlock|access|safe|locker|verification|one[- ]time|login|otp|security)"
            r"[ ]codes?"
            r"(?:[ ](?:is|are)|[ ]?[:=])|(?:^|\n)[ \t]{0,8}pin[ ]?[:=])[ ]?(?P<value>\d{4,8})(?![\d%]|[.,:/-]\d)"
        ),
        exact=False,
    ),
    Pattern(
        rule="recovery-codes",
        category="password",
        hints=("recovery code", "backup code", "scratch code"),
        around=300,
        expression=Expression(
            r"(?:recovery|backup|scratch)[ ]codes?[^\w\n]{0,3}(?:are|is)?[^\w\n]{0,3}\n?[ -]{0,4}"
            r"(?P<value>[a-z0-9]{4,8}-[a-z0-9]{4,8}(?:[\s,]{1,3}(?:- )?[a-z0-9]{4,8}-[a-z0-9]{4,8}){1,15})"
        ),
        accepts=_has_digits,
        exact=False,
    ),
    Pattern(
        rule="personal-code",
        category="password",
        hints=("暗証番号", "pin code", "pin is", "pinコード", "密码", "取款"),
        around=60,
        expression=Expression(
            r"(?:暗証番号|pinコード|\bpin code|\b(?:my|your|the|his|her) pin|(?:取款|支付|银行卡)密码)"
            r"[ ]?(?:is|:|：|=|は|是|为)[ ]?"
            r"(?P<value>\d{4,8})(?![\d文桁位]|[.,:/-]\d)"
        ),
        exact=False,
    ),
)
