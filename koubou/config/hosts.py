"""Whether a host is this machine or a private network: checked, not believed."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence

_LOCAL = tuple(
    ipaddress.ip_network(network)
    # RFC 1122 and RFC 4291 loopback, RFC 1918 private, RFC 4193 unique local.
    for network in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
Resolve = Callable[[str], Sequence[str]]
"""The addresses of a name; raises OSError where it has none."""


def resolve(name: str) -> list[str]:
    """The addresses that the machine's resolver gives for a name. Raises OSError; may take seconds."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in found]


def is_local_literal(host: str) -> bool:
    """Whether a host is, by its own spelling, this machine or a private network. Asks nobody."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_local_literal(str(address.ipv4_mapped))
    return any(address in network for network in _LOCAL)


def is_loopback(address: str) -> bool:
    """Whether this is an address of this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def why_not_local(host: str, resolve: Resolve) -> str | None:
    """Why a host cannot be held for local; None when it is. A name counts when every address it has is local.

    A name can come to mean another address later; whoever needs more than this check writes the address itself.
    """
    if is_local_literal(host):
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _why_not_by_name(host, resolve)
    return f"{host} is neither loopback nor a private address"


def _why_not_by_name(host: str, resolve: Resolve) -> str | None:
    try:
        addresses: Collection[str] = resolve(host)
    except (OSError, UnicodeError):
        return f"the name {host} has no address now, so nobody can tell that it is local"
    if addresses and all(is_local_literal(address) for address in addresses):
        return None
    return f"{host} has an address that is neither loopback nor private"
