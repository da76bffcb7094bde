"""What cannot be an API key is not kept, and nobody hears what it was."""

from __future__ import annotations

import pytest

from koubou.config.keys import why_no_key, why_not_kept


@pytest.mark.parametrize("key", ["sk-proj-4fQ9-aB_c.d~e+f/g=", "gsk_0123456789abcdef", "a1b2c3d4", "A" * 200 + "=="])
def test_a_key_may_be_kept(key: str) -> None:
    assert why_no_key(key) is None
    assert why_not_kept(key) is None


@pytest.mark.parametrize(
    "slip",
    [
        "",
        "sk-0123",
        "OPENAI_API_KEY=sk-0123456789",
        "<your-key-here>",
        "$OPENAI_API_KEY",
        '"sk-0123456789"',
        "'sk-0123456789'",
        "xxxxxxxxxxxx",
        "************",
        "Bearer sk-0123456789",
        "sk-0123\nsk-4567",
        "schlüssel-schlüssel",
        "k" * 10_001,
    ],
)
def test_a_slip_is_not_kept_and_not_quoted(slip: str) -> None:
    why = why_not_kept(slip)
    assert why
    assert not slip or slip not in why
