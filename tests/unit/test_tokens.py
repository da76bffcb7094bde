"""Tokens of vendors are known by their prefix and form. Every value is made up here by repetition: none is a token."""

from __future__ import annotations

import pytest

from koubou.rules.classify import look
from koubou.rules.secrets import tokens
from koubou.rules.secrets.pattern import sightings

HEX, LETTERS = "0f1e2d3c4b5a6978" * 8, "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z" * 8
UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
TOKENS = [
    f"key-{HEX[:32]}",
    f"sk_test_{LETTERS[:24]}",
    f"AC{HEX[:32]}",
    f"NRAK-{LETTERS.upper()[:27]}",
    f"secret_{LETTERS[:43]}",
    f"dp.st.prod.{LETTERS[:43]}",
    f"oy2{LETTERS.lower()[:43]}",
    f"cio{LETTERS[:32]}",
    f"ya29.{LETTERS[:60]}",
    f"1//0{LETTERS[:50]}",
    f"ATBB{LETTERS[:32]}",
    f"AKCp{LETTERS[:69]}",
    f"FLWSECK-{HEX[:32]}-X",
    f"access-sandbox-{UUID}",
    f"lin_oauth_{HEX[:64]}",
    f"LTAI{LETTERS[:20]}",
    f"vercel_blob_rw_{LETTERS[:47]}",
    f"tskey-auth-{LETTERS[:12]}-{LETTERS[:32]}",
    f"A3-{LETTERS.upper()[:6]}-{LETTERS.upper()[:11]}-{'-'.join([LETTERS.upper()[:5]] * 3)}",
    f"amzn.mws.{UUID}",
    f"glsa_{LETTERS[:32]}_{HEX[:8]}",
    f"CFPAT-{LETTERS[:43]}",
    f"sk.eyJ{LETTERS[:50]}.{LETTERS[:22]}",
    f"https://discord.com/api/webhooks/{'123456789' * 2}/{LETTERS[:68]}",
    f"https://api.softlayer.com/rest/v3/{HEX[:64]}",
]
MANUALS = [
    "xoxb-your-token",
    "glpat-XXXXXXXXXXXXXXXXXXXX",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "AKIAXXXXXXXXXXXXXXXX",
    "sk-ant-... and sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
    f"cache-key-{HEX[:32]}",
    "key-value-store-for-everyone, live_reload, secret_key_base, npm_config_registry",
    "https://discord.com/api/webhooks/ID/TOKEN",
    "github_pat_your_token_goes_here_and_nowhere_else",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("text", ["{}", "use '{}' here", "TOOL={} run\n"])
def test_a_token_is_known_by_its_form(token: str, text: str) -> None:
    whole = text.format(token)
    assert next(sightings(tokens.PATTERNS, whole, whole.lower()), None) is not None


@pytest.mark.parametrize("text", MANUALS)
def test_what_stands_in_manuals_is_no_token(text: str) -> None:
    assert look([("prompt", text)]) == ()
