"""What counts as this machine or a private network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from koubou.config.hosts import is_local_literal, why_not_local


def answers(*addresses: str) -> Callable[[str], list[str]]:
    return lambda _name: list(addresses)


def nobody(_name: str) -> list[str]:
    raise OSError("no such name")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.9", "fd00::5"],
)
def test_loopback_and_private_addresses_are_local(host: str) -> None:
    assert is_local_literal(host)
    assert is_local_literal(f"::ffff:{host}") is ("." in host and host[0].isdigit())


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "172.32.0.1",
        "192.169.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "203.0.113.7",
        "2001:db8::1",
        "::",
        "::ffff:8.8.8.8",
        "",
    ],
)
def test_other_addresses_are_not(host: str) -> None:
    assert not is_local_literal(host)
    assert why_not_local(host, answers("8.8.8.8")) is not None


def test_a_name_is_local_only_when_all_its_addresses_are() -> None:
    assert why_not_local("gpu.lan", answers("192.168.1.9", "fd00::5")) is None
    assert "neither loopback nor private" in str(why_not_local("gpu.lan", answers("192.168.1.9", "8.8.8.8")))
    assert "no address" in str(why_not_local("gpu.lan", nobody))
    assert why_not_local("gpu.lan", answers()) is not None


def test_a_name_that_only_looks_local_is_asked_for() -> None:
    for name in ("localhost.example.com", "127.0.0.1.example.com", "10.example"):
        assert why_not_local(name, answers("8.8.8.8")) is not None
