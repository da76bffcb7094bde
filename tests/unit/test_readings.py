"""What hides in a text or is encoded in it is read as it is meant. No value here is or was in use."""

from __future__ import annotations

import base64
import time
from unicodedata import normalize
from urllib.parse import quote

import pytest

from koubou.model.task import Message, TaskRequest
from koubou.rules.classify import look, texts_of
from koubou.rules.secrets.readings import meant, readings

SECRET = "password = 'Kingyo#42sukui'"
KEY = f"-----BEGIN PRIVATE KEY-----\n{'MIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8AgEAAkEA' * 3}\n-----END"
ENV = "DB_HOST=db1\nDB_PASSWORD=kingyo42sukui\nMODE=x\n"

DISGUISED = {
    "zero width inside the word": "pass\u200bword = 'Kingyo#42sukui'",
    "zero width inside the key": "AKIA\u200bQ3EGVWX7ZLM2N4PT",
    "soft hyphen": "pass\u00adword = 'Kingyo#42sukui'",
    "tags between letters": "p\U000e0061assword = 'Kingyo#42sukui'",
    "letters of mathematics": "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝 = 'Kingyo#42sukui'",
    "half-width katakana": "ﾊﾟｽﾜｰﾄﾞ：Kingyo42sukui",
    "utf-16 read as bytes": "\0".join(SECRET),
    "percent": quote(SECRET),
    "percent, all of it": "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    "escaped letters": "".join(f"\\u{ord(letter):04x}" for letter in SECRET),
    "entities of html": "secret&#61;&quot;Kingyo42sukui&quot;",
    "entities, all of it": "".join(f"&#x{ord(letter):x};" for letter in SECRET),
    "base64 of a key": base64.b64encode(KEY.encode()).decode(),
    "base64 of a key in lines": base64.encodebytes(KEY.encode()).decode(),
    "base64 of a file of settings": base64.b64encode(ENV.encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(("パスワードはKingyo42sukui" + ENV).encode()).decode().rstrip("="),
    "lines of windows": "kind: Secret\r\ndata:\r\n  url: a2luZ3lvNDJzdWt1aQ==\r\n",
    "lines of old": "# Confidential\rPlan for the spring.",
    "folded": "smtp:\n  password: >-\n    Kingyo#42sukui\n",
    "no-break blank": "password:\u00a0Kingyo#42sukui",
    "narrow no-break blank": "Mot de passe\u202f: Kingyo#42sukui",
    "thin blanks in a card": "4556\u20097375\u20098689\u20099855",
    "dashes that do not break": "4556\u20117375\u20118689\u20119855",
    "en dashes": "SSN 219\u201309\u20139999",
    "minus signs": "4556\u22127375\u22128689\u22129855",
    "em dashes": "4556\u20147375\u20148689\u20149855",
    "mark with a blank that does not break": "strictly\u00a0confidential",
    "decomposed japanese": normalize("NFD", "パスワード：Kingyo42sukui"),
    "decomposed korean": normalize("NFD", "비밀번호: Kingyo42sukui"),
    "decomposed spanish": normalize("NFD", "contraseña: Kingyo42sukui"),
    "a long decomposed text": normalize("NFD", "語" * 240 + "パスワード：Kingyo42sukui" * 40),
    "delete": "AKIAQ3EG\x7fVWX7ZLM2N4PT",
    "control of C0": "AKIAQ3EG\x01VWX7ZLM2N4PT",
    "control of C1": "é AKIAQ3EG\x9cVWX7ZLM2N4PT",
    "colours of a terminal": "pass\x1b[31mword\x1b[0m: Kingyo#42sukui",
    "underlined": "\u0332".join("password") + ": Kingyo#42sukui",
    "cyrillic look-alikes": "p\u0430ssw\u043erd: Kingyo#42sukui",
    "greek look-alikes": "passw\u03bfrd: Kingyo#42sukui",
    "percent of a blank that does not break": "password%3A%C2%A0Kingyo#42sukui",
    "base64 with the secret across its lines": base64.encodebytes(
        b"here are the things that you asked me for: settings password = 'Kingyo#42-sukui' and thanks for it"
    ).decode(),
    "over two lines": '{"password":\n    "Kingyo#42sukui"}',
}


@pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED.keys())
def test_a_secret_in_disguise_is_a_secret(text: str) -> None:
    assert "confidential" in {finding.level for finding in look([("prompt", f"Mend this:\n{text}\nThanks.")])}


@pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED.keys())
def test_lines_stay_lines(text: str) -> None:
    assert meant(text).count("\n") == text.count("\n")


def test_a_finding_in_a_disguise_keeps_its_line() -> None:
    (finding,) = look([("files[0]", f"one\ntwo\n{quote(SECRET)}\n")])
    assert (finding.where, finding.line) == ("files[0]", 3)


def test_a_value_that_answers_a_question_is_found_across_messages() -> None:
    asked = (("assistant", "What is the password?"), ("user", "Kingyo#42sukui"))
    request = TaskRequest(messages=[Message(role=role, content=content) for role, content in asked])
    assert [finding.where for finding in look(texts_of(request))] == ["messages[1]"]


@pytest.mark.parametrize(
    "text",
    [
        "An ordinary sentence, 100 % harmless, at 50%.",
        "https://example.org/?q=%E6%9C%A8%E9%87%91&next=%2Fhome",
        "日本語の普通の文章です。",
        "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 4).decode(),
        "sha512-" + base64.b64encode(bytes(range(64))).decode(),
        base64.b64encode(b"Nothing to hide here, only a greeting to everybody.").decode(),
        "👨‍👩‍👧 and می‌خواهم",
    ],
)
def test_what_is_encoded_and_harmless_stays_public(text: str) -> None:
    assert look([("prompt", text)]) == ()


@pytest.mark.parametrize("text", ["a" + "\u0315\u0300" * 100_000, "p\u0430" * 100_000, ("A" * 99 + "\n") * 3_000])
def test_the_time_of_reading_grows_with_the_text_alone(text: str) -> None:
    began = time.process_time()
    meant(text)
    assert time.process_time() - began < 2


def test_signs_of_print_alone_are_not_read_twice() -> None:
    assert readings([("prompt", "A walk \u2014 or two\u2026 of 3\u20135\u00a0km"), ("system", "次は：（例）")]) == []


def test_lines_of_base64_are_read_each_where_they_say_nothing_together() -> None:
    lines = base64.b64encode(bytes(range(150, 198))).decode() + "\n" + base64.b64encode(ENV.ljust(48).encode()).decode()
    assert "DB_PASSWORD=kingyo42sukui" in meant(lines)


def test_letters_of_other_scripts_stay_where_no_latin_letter_stands_beside_them() -> None:
    assert meant("\u043e\u0441\u0435\u043d\u044c") == "\u043e\u0441\u0435\u043d\u044c"


def test_only_what_reads_otherwise_is_read_again() -> None:
    assert readings([("prompt", "plain"), ("system", "a\u200bb"), ("title", "日本語")]) == [("system", "ab")]
