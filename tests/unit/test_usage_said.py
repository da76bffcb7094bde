"""What a command says that it used."""

from __future__ import annotations

import pytest

from koubou.model.call import Usage
from koubou.rules.secrets.own_words import compiled
from koubou.rules.usage_said import usage_said

PATTERNS = (
    compiled(r"tokens: (?P<input_tokens>[\d,]+) sent(?:, (?P<cached_input_tokens>[\d,]+) cached)?"),
    compiled(r"(?P<output_tokens>[\d,.-]+) received"),
)


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        ("Tokens: 1,200 sent, 34 received.", Usage(input_tokens=1200, output_tokens=34)),
        (
            "tokens: 10 sent, 4 cached\n7 received",
            Usage(input_tokens=10, output_tokens=7, cached_input_tokens=4),
        ),
        ("tokens: 1 sent, 1 received\ntokens: 5 sent, 6 received", Usage(input_tokens=5, output_tokens=6)),
        ("tokens: 5 sent", None),
        ("tokens: 5 sent, -6 received", None),
        ("tokens: 5 sent, 1.5 received", None),
        ("tokens: 5 sent, " + "9" * 40 + " received", None),
        ("", None),
    ],
)
def test_the_last_numbers_count_and_only_whole_ones(text: str, usage: Usage | None) -> None:
    assert usage_said(text, PATTERNS) == usage
