"""Secrets to be planted in tasks, of every kind, new ones for every seed: made of harmless parts only when tests run.

Nothing here imports the product, and nothing here is a secret: check digits are right, and that is all.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random

LETTERS = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"

Make = Callable[[Random], tuple[str, ...]]
"""Makes a text that holds a secret, and behind it the values of it that nobody outside may see."""


@dataclass(frozen=True)
class Planted:
    """A text that holds a secret, and the values of it that nobody outside may ever see."""

    category: str
    text: str
    values: tuple[str, ...]


def plant(chance: Random, category: str) -> Planted:
    """A new secret of a category, one of `CATEGORIES`."""
    text, *values = CATEGORIES[category](chance)
    return Planted(category, text, tuple(values))


def some(chance: Random, letters: str, length: int) -> str:
    """So many letters as a machine makes them: letters and digits in many turns, where there are both."""
    while True:
        made = "".join(chance.choices(letters, k=length))
        turns = sum(one.isdigit() != two.isdigit() for one, two in pairwise(made))
        if letters.isdigit() or letters.isalpha() or turns >= min(5, length // 3):
            return made


def _key_block(kind: str) -> Make:
    def make(chance: Random) -> tuple[str, ...]:
        lines = [some(chance, LETTERS, 64) for _ in range(4)]
        begin, end = (f"-----{word} {kind}-----" for word in ("BEGIN", "END"))
        return ("\n".join([begin, *lines, end]), *lines)

    return make


def _one(form: str, letters: str = LETTERS, length: int = 24) -> Make:
    """A form with one value in it."""

    def make(chance: Random) -> tuple[str, ...]:
        value = some(chance, letters, length)
        return form.format(value), value

    return make


def _password(form: str) -> Make:
    """A form with a password as people choose them."""

    def make(chance: Random) -> tuple[str, ...]:
        first, last = (some(chance, string.ascii_lowercase, length) for length in (7, 3))
        value = f"{first.capitalize()}!{chance.randrange(1000, 9999)}{last}"
        return form.format(value), value

    return make


def _marked(form: str) -> Make:
    """A text that somebody marked; what must not be seen is what it is about."""

    def make(chance: Random) -> tuple[str, ...]:
        value = f"project-{some(chance, string.ascii_lowercase, 12)}"
        return form.format(value), value

    return make


def _jwt(chance: Random) -> tuple[str, ...]:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": some(chance, LOWER, 12), "iat": chance.randrange(10**9)})
    head, claims = (_as_base64(json.dumps(part, separators=(",", ":"))) for part in parts)
    signature = some(chance, LETTERS, 43)
    return f"The session was {head}.{claims}.{signature} at noon.", claims, signature


def _basic(chance: Random) -> tuple[str, ...]:
    pair = _as_base64(f"{some(chance, LOWER, 8)}:{some(chance, LETTERS, 13)}")
    return f"Authorization: Basic {pair}", pair


def _kubernetes(chance: Random) -> tuple[str, ...]:
    value = _as_base64(some(chance, LETTERS, 21))
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  admin: {value}\n", value


def _aws(chance: Random) -> tuple[str, ...]:
    key, secret = "AK" + "IA" + some(chance, "ABCDEFGHJKLMNPQRSTUVWXYZ234567", 16), some(chance, LETTERS, 40)
    return f"aws_access_key_id = {key}\naws_secret_access_key = {secret}", key, secret


def _luhn(head: str, length: int) -> Make:
    """A card's number with its check digit."""

    def make(chance: Random) -> tuple[str, ...]:
        body = head + some(chance, string.digits, length - len(head) - 1)
        doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(f"{body}0"))]
        number = f"{body}{-sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10}"
        shown = " ".join(number[place : place + 4] for place in range(0, 16, 4)) if length == 16 else number
        return f"Refund it to card {shown}, please.", shown

    return make


def _ssn(chance: Random) -> tuple[str, ...]:
    number = f"{chance.randrange(100, 660)}-{chance.randrange(10, 99)}-{chance.randrange(1000, 9999)}"
    return f"Her SSN is {number}.", number


def _itin(chance: Random) -> tuple[str, ...]:
    number = f"9{chance.randrange(10, 99)}-{chance.randrange(70, 88)}-{chance.randrange(1000, 9999)}"
    return f"ITIN: {number}", number


def _iban(country: str, bank: str, digits: int) -> Make:
    def make(chance: Random) -> tuple[str, ...]:
        account = bank + some(chance, string.digits, digits)
        spelled = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
        number = f"{country}{98 - int(spelled) % 97:02}{account}"
        return f"Pay to {number} by Friday.", number

    return make


def _chinese(chance: Random) -> tuple[str, ...]:
    born = f"19{chance.randrange(50, 99)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
    body = f"110105{born}{chance.randrange(1000):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    return f"身份证 {body}{check}", f"{body}{check}"


def _spanish(chance: Random) -> tuple[str, ...]:
    body = chance.randrange(10_000_000, 99_999_999)
    number = f"{body}{'TRWAGMYFPDXBNJZSQVHLCKE'[body % 23]}"
    return f"Su DNI: {number}", number


def _my_number(chance: Random) -> tuple[str, ...]:
    body = some(chance, string.digits, 11)
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    left = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
    number = f"{body}{0 if left <= 1 else 11 - left}"
    return f"マイナンバー: {number}", number


def _as_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


CATEGORIES: Mapping[str, Make] = {
    "rsa key": _key_block("RSA PRIVATE " + "KEY"),
    "openssh key": _key_block("OPENSSH PRIVATE " + "KEY"),
    "ec key": _key_block("EC PRIVATE " + "KEY"),
    "encrypted key": _key_block("ENCRYPTED PRIVATE " + "KEY"),
    "pgp key": _key_block("PGP PRIVATE KEY " + "BLOCK"),
    "age key": _one("AGE-" + "SECRET-KEY-1{}", UPPER, 58),
    "wallet": _one("The wallet's private " + "key is 0x{}", HEX, 64),
    "database address": _one("Connect to postgres" + "://app:{}@db.internal:5432/shop"),
    "redis address": _one("redis" + "://:{}@cache:6379/0"),
    "credential in url": _one("git clone https" + "://bot:{}@git.example.org/shop.git"),
    "bearer": _one("Authorization: " + "Bearer {}", LETTERS, 40),
    "basic": _basic,
    "key header": _one("X-Api-" + "Key: {}", LETTERS, 32),
    "curl": _password("curl -u " + "admin:{} https://example.org/health"),
    "jwt": _jwt,
    "aws": _aws,
    "kubernetes": _kubernetes,
    "github": _one("ghp" + "_{}", LETTERS, 36),
    "gitlab": _one("gl" + "pat-{}", LETTERS, 20),
    "slack": _one("xox" + "b-2417-{}", LETTERS, 24),
    "stripe": _one("sk" + "_live_{}", LETTERS, 24),
    "sendgrid": _one("SG" + ".q3Rt7yU9pLk2Jh5gFd1s.{}", LETTERS, 43),
    "telegram": _one("8123456" + "78:AA{}", LETTERS, 33),
    "mailchimp": _one("{}" + "-us12", HEX, 32),
    "visa": _luhn("4", 16),
    "mastercard": _luhn("52", 16),
    "amex": _luhn("37", 15),
    "ssn": _ssn,
    "itin": _itin,
    "iban de": _iban("DE", "", 18),
    "iban gb": _iban("GB", "NWBK", 14),
    "chinese id": _chinese,
    "spanish id": _spanish,
    "my number": _my_number,
    "passport": _one("Passport number: C{}", string.digits, 8),
    "password": _password("pass" + 'word = "{}"'),
    "password of a database": _password("db_pass" + "word: {}"),
    "password ja": _password("パスワード" + "：{}"),
    "password zh": _password("密码" + "：{}"),
    "key ja": _one("秘密鍵" + "は「{}」", LETTERS, 32),
    "key zh": _one("密钥" + ": {}", LETTERS, 32),
    "env": _one("SMTP_PASS" + "WORD={}\nDEBUG=1", LETTERS, 18),
    "api key": _one("api" + '_key: "{}"', LETTERS, 32),
    "client secret": _one("client" + "_secret={}", LETTERS, 32),
    "marked": _marked("STRICTLY " + "CONFIDENTIAL: {} starts in May."),
    "marked ja": _marked("【社外" + "秘】{} は五月に始まります。"),
    "marked zh": _marked("机密" + "文件：{} 五月开始。"),
}
"""Who holds these forms for secrets is no test's business: whoever does not, leaks."""
