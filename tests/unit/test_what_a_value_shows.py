"""A value that holds a secret does not show it, whatever prints it: a traceback, a journal line, a failed assertion."""

from __future__ import annotations

from typing import Any, cast

import pytest

from koubou.cli.doctor.reach import Probe
from koubou.embedded.keeper import Running
from koubou.leash.orders import Command
from koubou.model.notice import GithubWay, Guardian, WebhookWay
from koubou.vault.key_file import KeyPlace
from koubou.vault.vault import Value

SECRET = "sk-hidden-0123456789"
GITHUB = GithubWay(api="https://api.github.com", repo="a/b", token=SECRET, assignee=None, labels=())


@pytest.mark.parametrize(
    "value",
    [
        GITHUB,
        WebhookWay(address=f"https://hooks.example/{SECRET}"),
        Guardian(github=GITHUB, webhook=WebhookWay(address=SECRET)),
        Running(base_url="http://127.0.0.1:1/v1", api_key=SECRET, process=cast(Any, None)),
        Command(argv=("true",), environment={"KEY": SECRET}, directory="/", stdout="o", stderr="e", mark="m"),
        KeyPlace(file="/key", home="/home", environ={"KEY": SECRET}),
        Value(text=SECRET, set_at=0),
        Probe(name="p", address="http://127.0.0.1", headers={"Authorization": SECRET}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_not_shown(value: object) -> None:
    assert SECRET not in f"{value!r} {value}"
