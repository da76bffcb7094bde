"""A number counts behind the word that says what it is, in many languages, and not behind a word about such numbers."""

from __future__ import annotations

import time

import pytest

from koubou.rules.classify import look

TOLD = [
    "the NHS number of the patient is 9988776655",
    "NHS no. 998 877 6655",
    "DNI: 45678912",
    "Partita IVA 12312312312",
    "patente di guida AB1234567C",
    "Our ABN is 11 222 333 444.",
    "ABN 11222333444",
    "tax file number 111 222 333",
    "FIN T7654321Z",
    "voter QRS7654321",
    "GSTIN: 29AABBC1234D1Z9",
    "henkilötunnus 010190-123X",
    "주민 등록 번호 900101-9999999",
    "사업자등록번호 111-22-33333",
    "หมายเลขบัตรประชาชน 1111122222333",
    "Steuer-IdNr. 11 222 333 444",
    "Reisepassnummer: C1234567K",
    "Personalausweis L1X2Y3Z44",
    "org.nr 551122-3344",
    "TC kimlik numarası 11122233344",
    "BVN - 22112233445",
    "マイナンバーは 1111 2222 3333",
    "身份证号码是 110101190001011234",
    "RUT 11.222.333-4",
    "fødselsnummer: 01019012345",
    "rodné číslo: 900101/1234",
    "routing no. 011122233",
    "DEA number AB1234567",
    "account number: 000111222333",
    "plaka: 34 KLM 567",
    "social_security_number=219099999",
    '{"passport_number": "K4429871"}',
    "license plate ABC-1234",
]
NOT_TOLD = [
    "Bank account balance 10250.75, account 404 page, account age 12345 s",
    "SELECT id, passport_no FROM people WHERE id > 100000",
    "Added passport expiry reminder (issue 18234)",
    "Fix account number regex (#10452)",
    "National Insurance rates 2022-2023",
    "licence plate recognition at 1920x1080 with 25000 images",
    "driver license renewal takes 30 days; the passport office is in room 12045",
    "South African ID numbers have 13 digits",
    "sin=304193536 sout=677842944, sin(30000000)",
    "account 10.20.30.40:54321 logged in at 10:15:30.123456",
    "SSN 000-00-0000 and SSN 666-12-3456 are never given out",
    "RFC 7540 8.1.2.4 and RFC 5322/2822",
    "tax number validation, see #20231",
    "account_id = 123456789012, tax_rate_2024=1234567, id_card_width = 100000",
    "The passport module: see ticket 48213445, and build 20231104",
    "account number 7, host db1:50432817, at 10:15:30.12345678, 0.73451234 done",
]


@pytest.mark.parametrize("text", TOLD)
def test_a_number_behind_its_name_is_found(text: str) -> None:
    assert "national_id" in {finding.category for finding in look([("prompt", text)])}


@pytest.mark.parametrize("text", NOT_TOLD)
def test_a_number_of_something_else_is_left_alone(text: str) -> None:
    assert look([("prompt", text)]) == ()


def test_a_log_of_many_numbers_is_looked_through_to_its_end() -> None:
    log = "account 12:34:56 took 123456 us, total 4567890 of 9876543\n" * 4_000
    began = time.process_time()
    assert look([("prompt", log)]) == ()
    assert look([("prompt", log + "passport number K4429871")])[0].line == 4_001
    assert time.process_time() - began < 5
