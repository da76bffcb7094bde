"""Values beside telling names: `password = …`, `"api_key": "…"`, `DB_PASS=…`, パスワードは…, 密码：…."""

from __future__ import annotations

import re

from koubou.rules.expression import Expression
from koubou.rules.secrets.pattern import Pattern
from koubou.rules.secrets.placeholders import is_argument, is_key, is_password, random_looking
from koubou.rules.secrets.tables import is_plainly_secret, stands_in_table

_CHOSEN = (
    r"passw(?:or)?d|passwort|passphrase|passcode|passwd|pass(?<![a-z]pass)(?![a-z])|pwd|pw(?<![a-z]pw)(?![a-z])"
    r"|psk(?<![a-z]psk)(?![a-z_])|contraseña|senha|palavra-passe|wachtwoord|hasło|haslo(?![a-z])|heslo|lösenord"
    r"|adgangskode|salasana|jelszó|parolă|şifre|sifre|parola(?![a-z])|mật khẩu|kata sandi"
    r"|пароль|passord|סיסמה|كلمة (?:المرور|السر)"
    r"|mot de passe|パスワード|パスフレーズ|暗証番号|密码|密碼|口令|비밀번호|รหัสผ่าน|पासवर्ड"
)
_KEYS = (
    *("api", "access", "private", "secret", "auth", "account", "encryption", "signing", "master", "shared", "storage"),
    *("iam", "service", "license", "licence", "client", "hmac", "app", "subscription", "session", "webhook", "deploy"),
    "recovery",
)
_MADE = (
    # Written out, so that every alternative begins with a letter: the expression is found three times as fast.
    "|".join(rf"{kind}[-_. ]?(?:access[-_ ]?)?key" for kind in _KEYS)
    + r"|secrete?|token|credentials?|basic[-_]auth|_key(?<=[a-z0-9]_key)(?![a-z])"
    r"|秘密鍵|秘密キー|apiキー|アクセスキー|トークン|シークレット|認証キー|暗号鍵|密钥|密鑰|私钥|私鑰|令牌|口令牌|토큰|비밀키"
)
_LONGEST_NAME = 32
_CHOSEN_HINTS = (
    *("pass", "pwd", "pw", "psk", "contraseña", "senha", "パス", "暗証", "密码", "密碼", "口令", "비밀번호"),
    *("wachtwoord", "hasło", "haslo", "heslo", "lösenord", "adgangskode", "salasana", "jelszó", "parol", "ifre"),
    *("mật khẩu", "kata sandi", "пароль", "סיסמה", "كلمة ال", "รหัสผ่าน", "पासवर्ड"),
)
_MADE_HINTS = (
    "key",
    "secret",
    "token",
    "credential",
    "basic",
    "鍵",
    "キー",
    "トークン",
    "シークレット",
    "密",
    "私",
    "令牌",
    "토큰",
    "비밀키",
)
_REST = r"(?P<rest>[a-z0-9_\-]{0,24})"
_TAGS = r"(?:[ \t]{0,4}(?:\n[ \t]{0,20})?</?[a-z][^<>\n]{0,80}>){1,5}"
_BETWEEN = (
    r"[\"'`’”」』)\]\[\\*]{0,4}[ \t]{0,8}"
    rf"(?:[:：]?{_TAGS}[ \t]{{0,4}}[:：]?"
    r"|[,{]?[ \t]?\n?[ \t]{0,20}[\"']?(?:value|default)[\"']?[ \t]{0,2}[:=]|\"?[ \t]{1,4}value[ \t]{0,2}="
    r"|:[ ]?[&*]?[a-z_][\w\[\]|., ]{0,30}[ ]?=(?![=>])|:=|=>|={1,3}|!==?|[:：＝>]"
    r"|[ \t](?:is|are|was|ist|est|es|é)(?=[ :])"
    r"|(?:-{1,2}>?|[—→])(?=[ \t])|は|が|为|為|是|(?P<apart>,[ ]?|\()(?=[\"'])"
    r"|(?=[ \t][\"'`]|[「『]))[*_]{0,3}"
)
_VALUE = (
    r"(?=:?[ \t]{0,8}\\{0,2}(?:[@frbu]{1,2}(?=[\"']))?"
    r"(?:\"(?P<double>[^\"\n]{0,160})|'(?P<single>[^'\n]{0,160})|`(?P<tick>[^`\n]{0,160})"
    r"|[「『“](?P<hook>[^」』”\n]{0,160})|(?P<bare>[^\s\"'`「『“][^\s]{0,160})))"
)
_CELL = r"(?P<cell>[\"'`*]{0,3}[ \t]{0,40}(?=[,;|\t\n]))"
"""The beginning of a value, in quotes or bare; looked at, not taken, since another name may stand inside it."""
_HARMLESS_REST = Expression(
    r"(?:^|[_-])(?:ids?|counts?|limits?|length|len|size|types?|names?|url|uri|endpoint|fields?|label|hash|hashes|digest"
    r"|path|file|filename|dir|env|var|variable|regex|pattern|policy|reset|expiry|expires|expiration|expire|ttl|budget"
    r"|usage|hint|column|index|placeholder|format|strength|rules?|validators?|min|max|required|error|message|manager"
    r"|provider|source|ref|selector|input|version|algorithm|header|param|prefix|suffix|status|state|scopes?|class|bytes"
    r"|hashers?|backends?|bits|rotation|age|at|in|by|on)$|^(?:ed|s|ize|izer|ization|ised|ized|less)$"
)
"""What may follow the telling word: then the name is of something about a secret."""
_PLACE = re.compile(r"/[\w.+@~/-]*")
_HARMLESS_NAME = Expression(
    r"(?:^|[^a-z])(?:public|num|n|max|min|total|count|next|previous|prev|page|prompt|completion|input|output|cached|primary"
    r"|foreign|cache|sort|partition|unique|composite|sync|cursor|continuation|estimated|actual|special|stop|eos|bos|pad"
    r"|unk|mask|hash|row|group|dict|object|lookup|natural|surrogate|i18n|translation|idempotency|routing|shortcut|hot"
    r"|arrow|reasoning|used|remaining|idempotent|no|in|of)[-_ ]?$"
)
"""What may stand before it: then it is no secret at all."""
_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-. "


_SENTENCE = "[\u3001-\u30ff\u3400-\u9fff\uac00-\ud7af，。；]"
"""Where a sentence goes on in Japanese, Chinese or Korean: no value that stands bare holds these."""


def _value(match: re.Match[str], text: str) -> tuple[str, bool]:
    """The value as it stands in the text, and whether it stands in quotes."""
    for group in ("double", "single", "tick", "hook"):
        start, end = match.span(group)
        if start >= 0:
            return text[start:end].rstrip("\\"), True
    start, end = match.span("bare")
    bare = re.split(rf"[,;&](?=\w+[=:]|$)|</|\">|{_SENTENCE}", text[start:end], maxsplit=1)[0]
    return _without_closers(bare.rstrip("`\"':;,.。、")), False


def _without_closers(value: str) -> str:
    """Without the brackets that close what stands around the value."""
    while value and value[-1] in ")]}" and value.count(value[-1]) > value.count("([{"[")]}".index(value[-1])]):
        value = value[:-1].rstrip("\"'`;,.")
    return value


def _name_is_harmless(match: re.Match[str]) -> bool:
    """Whether the whole name says that no secret follows: `token_count`, `primary_key`, `password_field`."""
    rest, before, between = match["rest"], _before(match), _between(match)
    if match.string.endswith("${", 0, match.start() - len(before)):
        return True  # ${PASSWORD:-…}
    if between.endswith(">") and "<" not in between and between[-2:-1] not in {"=", "-"}:
        opened = match.string[max(0, match.start() - 24) : match.start()].rpartition("<")
        element = bool(opened[1]) and re.fullmatch(r"[a-z0-9_:.\-]*(?: (?:key|name)=[\"'][a-z0-9_.\-]*)?", opened[2])
        if not element or "</" not in match.string[match.end() : match.end() + 300]:
            return True  # <password> in a line of usage, not an element with content
    if rest and _HARMLESS_REST.compiled.search(rest) and "access_key_id" not in match["name"] + rest:
        return True
    return _HARMLESS_NAME.compiled.search(before) is not None


def _before(match: re.Match[str]) -> str:
    """The part of the name before the word that told, and the word before that."""
    head = match.string[max(0, match.start() - 24) : match.start()]
    return head[len(head.rstrip(_NAME_LETTERS)) :]


def _between(match: re.Match[str]) -> str:
    """What stands between the name and the value."""
    return match.string[match.end("rest") : match.end()]


def _whole_line(match: re.Match[str], text: str) -> bool:
    """Whether this is NAME=value without blanks, as in a file of settings or before a command."""
    if _between(match) != "=":
        return False
    name = text[match.start() - len(_before(match).rpartition(" ")[2]) : match.end("rest")]
    return name.isupper() or match.start() == 0 or text[match.start() - 1] == "\n"


def _is_apart(match: re.Match[str]) -> bool:
    """Whether tags or a dash stand between name and value: then nothing but the value tells that it is one."""
    between = _between(match)
    return "<" in between or between.strip(" \t*_\"'`)]").startswith(("-", "—", "→"))


def _name_in_table(match: re.Match[str], text: str) -> bool:
    before = _before(match).lstrip(" ")
    return not _name_is_harmless(match) and stands_in_table(text, match.start() - len(before), match.end("rest"))


def is_chosen_password(match: re.Match[str], text: str) -> bool:
    """Whether a password stands beside the name. The match is of the lower-case text; letters' case does not matter."""
    if match["cell"] is not None:
        return _name_in_table(match, text)
    if _name_is_harmless(match):
        return False
    value, quoted = _value(match, text)
    if match["apart"] is not None:
        return is_argument(value) or _name_in_table(match, text)
    if _is_apart(match):
        return is_plainly_secret(value)
    if _is_working_folder(match, value, text):
        return False
    said = _between(match).strip("\"'`’”」』)]\\ \t")
    if not said and value.isalpha():
        return False  # password "reset" is a phrase; password "x7!kk" is not
    if match["name"] in {"pass", "pw"} and (
        not said or (not quoted and _before(match)[-1:] not in {"_", "-"} and " " in match[0])
    ):
        return is_plainly_secret(value) and "=" in _between(match)
    return is_password(value, quoted=quoted, whole_line=_whole_line(match, text))


def _is_working_folder(match: re.Match[str], value: str, text: str) -> bool:
    """Whether this is where a shell stands, as `env` prints it: PWD=/work, OLDPWD=/work/src."""
    name = text[match.start() - len(_before(match).rpartition(" ")[2]) : match.end("rest")]
    return name in {"PWD", "OLDPWD"} and _PLACE.fullmatch(value) is not None


def is_made_key(match: re.Match[str], text: str) -> bool:
    """Whether a token or key stands beside the name."""
    if match["cell"] is not None:
        return _name_in_table(match, text)
    if _name_is_harmless(match):
        return False
    value, quoted = _value(match, text)
    if match["apart"] is not None:
        return (is_plainly_secret(value) and len(value) >= 16) or _name_in_table(match, text)
    if _is_apart(match):
        return is_plainly_secret(value)
    if match["name"] == "_key" and (len(value) < 16 or not random_looking(value)):
        return False  # a key of something: a word of its name tells too little
    return is_key(value, quoted=quoted, whole_line=_whole_line(match, text))


_SAID = "[:：=＝?？は是]|is|are"
_BELOW = (
    r"[?？]?[ \t]{0,3}[>|]?[+-]?[ \t]{0,3}\n[ \t>]{0,20}"
    r"[\"'`]?(?P<value>[^\s\"'`]{6,160})[\"'`]?[,;})\]]{0,3}[ \t]{0,4}(?=\n|$)"
)
_NAMED_ABOVE = re.compile(
    rf"(?P<name>{_CHOSEN}|{_MADE}){_REST}[\"'`”」』)\]]{{0,3}}[ \t]{{0,3}}(?:[:：=＝?？は是]|\bis\b|\bare\b){_BELOW}"
)
_NOT_ALONE = re.compile(r"://|[:({\[]$|^[-#<{\[(/*|@$]|^\w+=")
"""Text that begins something else: an address, a list, a block, another name with its value."""


def is_value_below(match: re.Match[str], text: str) -> bool:
    """Whether the line below a name is a value and nothing else: folded YAML, an answer to a question."""
    named = _NAMED_ABOVE.search(match.string, max(0, match.start() - 80), match.end())
    value = text[slice(*match.span("value"))].rstrip(",;")
    if named is None or _name_is_harmless(named) or _NOT_ALONE.search(value):
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda letter: not letter.isalnum())
    mixed = sum(any(map(kind, value)) for kind in kinds) >= 3 and any(map(str.isdigit, value))
    return (mixed or random_looking(value)) and is_password(value, quoted=False)


def _is_compared(match: re.Match[str], text: str) -> bool:
    value = text[slice(*match.span("value"))]
    return is_password(value, quoted=True) and not value.replace("_", "").isalpha()


PATTERNS = (
    Pattern(
        rule="password-beside-name",
        category="password",
        hints=_CHOSEN_HINTS,
        around=_LONGEST_NAME,
        begins=Expression(_CHOSEN),
        expression=Expression(f"(?P<name>{_CHOSEN}){_REST}(?:{_BETWEEN}{_VALUE}|{_CELL})"),
        accepts=is_chosen_password,
        exact=False,
    ),
    Pattern(
        rule="key-beside-name",
        category="secret_key",
        hints=_MADE_HINTS,
        around=_LONGEST_NAME,
        begins=Expression(_MADE),
        expression=Expression(f"(?P<name>{_MADE}){_REST}(?:{_BETWEEN}{_VALUE}|{_CELL})"),
        accepts=is_made_key,
        exact=False,
    ),
    Pattern(
        rule="value-below-name",
        category="password",
        hints=(*_CHOSEN_HINTS, *_MADE_HINTS),
        expression=Expression(rf"(?:{_SAID}){_BELOW}"),
        accepts=is_value_below,
        exact=False,
    ),
    Pattern(
        rule="value-compared-with-name",
        category="password",
        hints=("==", "!="),
        expression=Expression(
            rf"[\"'](?P<value>[^\"'\n]{{5,200}})[\"'][ \t]?[=!]==?[ \t]?[a-z_.]{{0,30}}?(?:{_CHOSEN}|secret"
            rf"|private_key|api_key|apikey|token)(?![a-z])"
        ),
        accepts=_is_compared,
        exact=False,
    ),
)
