"""Whether a value that stands beside a telling name is one: not a blank, a variable, a call, a word of a manual."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import log2

_TEMPLATE = re.compile(
    r"\$\{\{[^}\n]{0,200}\}\}|\$\{[\w.:?!\-/ ]{0,80}\}|\$\([^)\n]{0,200}\)|\{\{[\w.\-| \"']{0,80}\}\}"
    r"|\{[A-Za-z_][\w.!:]{0,60}\}|<%[^%\n]{0,80}%>|%\([\w.]{0,60}\)[sdr]|%[sdrv@]|<[A-Za-z_\-][^<>\n]{0,60}>"
    r"|^\$[A-Za-z_]\w{0,60}|%[A-Z_]{2,40}%|%env\([\w:]{1,60}\)%|\[[A-Za-z_\- ]{3,40}\]|@[A-Z_]{3,40}@|#\{[^}\n]{0,80}\}"
)
_BLANK_WORDS = re.compile(
    "example|sample|dummy|fake|placeholder|insert|your|redacted|masked|hidden|removed|todo|tbd|fixme|foo|bar|baz"
    "|undefined|null|none|nil|empty|unset|not|unknown|default|optional|required|string|text|here|xxx+|changeme|replaceme"
)
_BLANK_FORM = re.compile(
    r"(?:change|replace)[-_ ](?:me|this|it|with)(?![a-z])|[x*•]{4,}$|[*•]{4,}|\.\.\.$|…"
    r"|(?:your|my)[-_]?(?:[a-z]{2,10}[-_]?){0,3}(?:key|token|secret|password|passwd|pass|pwd|id)[-_]?\d{0,2}$"
)
_BLANK_WHOLE = re.compile(r"[x*.#•·_=\-?]{3,}|\.{2,}.*|0+|1?2345?6?7?8?9?0?|abcd?e?f?|(.)\1{4,}")
_WORDS = re.compile(
    "password|passwd|passphrase|pass|pwd|pw|secret|secrets|token|tokens|key|keys|apikey|credential|credentials|user|"
    "username|login|admin|value|val|arg|param|field|input|output|str|string|text|base|sha|utf|test|v|x|y|true|false|"
    "yes|no|on|off|bearer|basic|oauth|oauth2|jwt|hash|md5|sha1|sha256|sha512|uuid|bytes|int|bool|object|any|never|"
    "void|number|array|list|dict|self|this|env|environment|config|settings|request|response|data|id|name|email|code|"
    "url|uri|file|path|private|public|auto|all|none|null|current|new|old|confirm|confirmation|reset|access|refresh|"
    "session|csrf|plain|encrypted|hidden|required|optional|valid|invalid|missing|expired|revoked|authorization|"
    "authentication"
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_EXPRESSION = re.compile(
    r"[A-Za-z_$][\w$]{0,80}(?:[(\[<]|(?:(?:\?\.|\.|::|->)[A-Za-z_$][\w$]{0,80}){1,8}(?:[(\[<]|[?!.]{0,2}$))"
)
_TAG = re.compile(r"![A-Za-z][A-Za-z_:.-]{0,40}")
"""A tag of YAML: `!vault`, `!Ref`, `!secret`, whose value stands elsewhere."""
_CALL = re.compile(r"[A-Za-z_][\w.]{0,80}[(\[]|self\.")
_MESSAGE = re.compile(
    r"\b(?:password|passwort|token|secret|credential|key|must|should|please|enter|your|invalid|incorrect"
    r"|required|characters?"
    r"|missing|cannot|can't|failed|error|wrong|forgot|reset|change|confirm|login|log in|sign in|used|the|this"
    r"|for|of|to)\b"
)


_NO_KEYS = ("/", "./", "file:", "vault:", "env:", "ssm:", "sha256", "sha512", "arn:", "com.", "org.", "net.", "io.")
"""How paths, digests and names of packages begin."""

_NAME_PARTS = re.compile(r"[A-Za-z_.:/-]*")
_AT_PLACE = re.compile(r"[A-Za-z][\w.-]{0,40}:/[A-Za-z]")
"""A name and the path where its value stands: `LoadCredential=openai:/etc/…`, `token:/run/secrets/…`."""


def entropy(value: str) -> float:
    """Shannon's entropy in bits a character; 0 for nothing."""
    total = len(value)
    return -sum(count / total * log2(count / total) for count in Counter(value).values()) if total else 0.0


def is_placeholder(value: str) -> bool:
    """Whether the value only says where a secret would stand: a blank, a template, a word of a manual."""
    if value.startswith(("$(", "`")):
        return True
    rest = _TEMPLATE.sub("", value, count=8)
    if len(rest) < len(value) and (len(rest) < 5 or not _mixed(rest)):
        return True
    low = value[:80].lower()
    blank = _BLANK_WHOLE.fullmatch(low) or _BLANK_FORM.match(low) or low.endswith(("...", "…")) or "****" in low
    blank = blank or any(_BLANK_WORDS.fullmatch(word) for word in re.findall(r"[a-z]+", low))
    return bool(blank) and not random_looking(value)


def is_reference(value: str) -> bool:
    """Whether unquoted text is code that names a value held elsewhere: `config.password`, `load(…)`, `API_KEY`."""
    if value.startswith(("/", "./", "../", "~/", "http://", "https://", "$", "&", "*", "(", "[", "{", "<", "|", "\\")):
        return not random_looking(value)
    if _TAG.fullmatch(value):
        return True
    word = _IDENTIFIER.fullmatch(value)
    if word:
        bare = value.strip("_").rstrip("0123456789").lower()
        return (
            not any(letter.isdigit() for letter in value)
            or _WORDS.fullmatch(bare) is not None
            or (value.isupper() and len(value) < 16)
        )
    return bool(_EXPRESSION.match(value))


def is_password(value: str, *, quoted: bool, whole_line: bool = False) -> bool:
    """Whether this can be a password that somebody chose. `whole_line`: NAME=value as in a file of settings."""
    if len(value) < 4 or (value.isalpha() and not quoted and not whole_line):
        return False
    if is_placeholder(value) or _WORDS.fullmatch(value.lower().strip("_-")):
        return False
    if not quoted and (_CALL.match(value) if whole_line else is_reference(value)):
        return False
    if value.startswith(("/", "./", "~/")) and value.count("/") > 1:
        return False
    if " " in value:
        return quoted and _passphrase(value)
    if value.isdigit():
        return len(value) >= 6
    if value.isalpha():
        return len(value) >= 6 and value.islower()
    if value.replace("_", "").replace("-", "").replace(".", "").replace(":", "").isalpha():
        return False
    return len(value) >= 5 or (any(map(str.isdigit, value)) and not value.isalnum())


def is_key(value: str, *, quoted: bool, whole_line: bool = False) -> bool:
    """Whether this can be a token or key that a machine made, or a passphrase in its place."""
    if len(value) < 8 or (value.isalpha() and not random_looking(value)) or is_placeholder(value):
        return False
    if not quoted and (_CALL.match(value) if whole_line else is_reference(value)):
        return False
    if " " in value:
        return quoted and _passphrase(value)
    if value.isdigit():
        return len(value) >= 24
    if "://" in value or value.startswith(_NO_KEYS) or _AT_PLACE.match(value) or _is_put_together(value):
        return False
    return (
        _mixed(value) and entropy(value) > 2.5 and (len(value) >= 16 or quoted or whole_line or random_looking(value))
    )


def _is_put_together(value: str) -> bool:
    """Whether it is a template that a program fills, and what stands beside it is a name: `${registry}:_authToken`."""
    rest = _TEMPLATE.sub("", value, count=8)
    return len(rest) < len(value) and _NAME_PARTS.fullmatch(rest) is not None


def is_argument(value: str) -> bool:
    """Whether a text in quotes is a password, where a call gives it beside its name or alone."""
    kinds = (str.islower, str.isupper, lambda letter: letter in "!#$%&*+=?@^~")
    mixed = sum(any(map(kind, value)) for kind in kinds) >= 2 and len(value) >= 6 and " " not in value
    return mixed and any(map(str.isdigit, value)) and is_password(value, quoted=True)


def random_looking(value: str) -> bool:
    """Letters and digits, or upper and lower case, in such turns as people and compilers do not write."""
    if len(value) < 12:
        return False
    kinds = ["0" if letter.isdigit() else "A" if letter.isupper() else "a" for letter in value if letter.isalnum()]
    digit_turns = sum((one == "0") != (next_ == "0") for one, next_ in pairwise(kinds))
    case_turns = sum(one == "a" and next_ == "A" for one, next_ in pairwise(kinds))
    return digit_turns >= 4 or (digit_turns >= 2 and case_turns >= 2)


def _mixed(value: str) -> bool:
    """At least two of: letters, digits, signs."""
    kinds = {
        "a" if letter.isalpha() else "0" if letter.isdigit() else "-" if letter not in "_-. " else ""
        for letter in value
    }
    return len(kinds - {""}) >= 2


def _passphrase(value: str) -> bool:
    """Several words in quotes that are not a sentence to a person."""
    words = value.split(" ")
    return 3 <= len(words) <= 8 and value[0].islower() and all(words) and not _MESSAGE.search(value.lower())
