"""How tokens are written and known again."""

import hashlib

import pytest

from koubou.model.access import Role, Token
from koubou.rules.token import NAME, actor_of, digest_of, id_of, why_useless, written

TEXT = written(bytes(5), bytes(range(32)))


def a_token(expires_at: int | None = None, revoked_at: int | None = None) -> Token:
    return Token(
        id="00" * 5,
        name="ci",
        role=Role.VIEWER,
        uid=1,
        created_at=0,
        created_by="kim",
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=revoked_at,
    )


def test_a_token_is_known_by_the_hash_of_all_of_it() -> None:
    assert digest_of(TEXT) == hashlib.sha256(TEXT.encode()).hexdigest()
    assert id_of(TEXT) == "0000000000"


@pytest.mark.parametrize(
    "text",
    [
        *("", "kbu_", TEXT + "\n", " " + TEXT, TEXT.upper(), TEXT[:-1], TEXT + "0"),
        *(TEXT.replace("0", "\u0660"), TEXT.replace("a", "\u0430"), TEXT.replace("_", "-"), "' OR 1=1 --", "kbu_%_%"),
    ],
)
def test_what_cannot_be_a_token_is_never_looked_up(text: str) -> None:
    assert digest_of(text) is None
    assert id_of(text) is None


@pytest.mark.parametrize(
    "name", ["", "Kim", "k m", "\u0441i", "ci\n", "token:ci", "-ci", "a" * 64, "ci\u200b", "../ci"]
)
def test_a_name_that_could_be_taken_for_another_is_none(name: str) -> None:
    assert NAME.fullmatch(name) is None


def test_a_token_is_good_until_its_last_moment_and_no_longer() -> None:
    assert why_useless(a_token(expires_at=10), 9) is None
    assert why_useless(a_token(expires_at=10), 10) == "it has expired"
    assert why_useless(a_token(), 1 << 60) is None
    assert why_useless(a_token(revoked_at=1), 2) == "it was revoked"


def test_it_stands_in_the_history_as_no_user_can() -> None:
    assert actor_of(a_token()) == "token:ci"
