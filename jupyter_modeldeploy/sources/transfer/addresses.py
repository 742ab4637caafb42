"""Which machines a download may ask: those of the public internet, and those that the user named.

A reference, a redirect or an index page is written by others and may point at what only this machine can reach: its
own services, the company's network, a cloud's metadata address."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.settings import PREFIX

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SETTING = PREFIX + "ALLOWED_HOSTS"
CARRIER_GRADE_NAT = ipaddress.ip_network("100.64.0.0/10")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "fec0::/10", "192.88.99.0/24", "5f00::/16")))
"""What Python's registry of special addresses does not hold: local NAT64, site-local, the 6to4 relay, SRv6."""
DOCUMENTATION = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
"""Nobody's private network: nothing lies there, except in test beds where they stand for the internet."""
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class AllowedHosts:
    """The hosts beyond the public internet that may be asked. `hosts` pairs a name with a port, or None for any."""

    hosts: frozenset[tuple[str, int | None]]
    networks: tuple[Network, ...]

    def name(self, host: str, port: int) -> bool:
        """Whether the host is listed, under this very name or as this address."""
        host = canonical(host)
        return (host, None) in self.hosts or (host, port) in self.hosts

    def lists(self, host: str, port: int) -> bool:
        """Whether the host is listed, by name or, where it is an address, by a network."""
        address = literal(host)
        return self.name(host, port) or (address is not None and any(address in one for one in self.networks))

    def address(self, address: Address, port: int) -> bool:
        """Whether the address is public or listed."""
        listed = self.name(str(address), port) or any(address in network for network in self.networks)
        return listed or is_public(address)


def allowed_hosts(entries: Iterable[str]) -> AllowedHosts:
    """The hosts that `entries` name: HOST, HOST:PORT, [IPV6]:PORT, a network such as 10.0.0.0/8, or the URL of a
    server. A bare host is allowed on every port, a URL on its own only. Raises InvalidInput."""
    hosts: set[tuple[str, int | None]] = set()
    networks: list[Network] = []
    for entry in filter(None, map(str.strip, entries)):
        try:
            if "://" in entry:
                url = httpx.URL(entry)
                if not url.host:
                    raise InvalidInput(f"{entry!r} names no host.", f"Correct {SETTING}.")
                hosts.add((canonical(url.raw_host.decode()), url.port or PORTS.get(url.scheme)))
            elif re.fullmatch(r"[0-9a-fA-F:.]+(/\d+)?", entry) and (network := _network(entry)):
                networks.append(network)
            else:
                url = httpx.URL(f"//{entry}")
                if not url.host or url.raw_path not in (b"", b"/"):
                    raise InvalidInput(f"{entry!r} is no host or network.", f"Correct {SETTING}.")
                hosts.add((canonical(url.raw_host.decode()), url.port))
        except (httpx.InvalidURL, ValueError) as error:
            raise InvalidInput(f"{entry!r} is no host or network: {error}.", f"Correct {SETTING}.") from error
    return AllowedHosts(frozenset(hosts), tuple(networks))


def _network(entry: str) -> Network | None:
    """`entry` as a network or an address; None for what is rather a host with a port, such as 10.0.0.1:80."""
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        if "/" in entry:
            raise
        return None


def canonical(host: str) -> str:
    """A host's one spelling: lower case, no dot at the end; an address as Python writes it, however it was written."""
    host = host.lower().rstrip(".").strip("[]")
    found = literal(host)
    return host if found is None else str(found)


def literal(host: str) -> Address | None:
    """The address that `host` is, if it is one, also in inet_aton's decimal, octal, hexadecimal and short forms."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        if not re.fullmatch(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+)){0,3}", host, re.IGNORECASE):
            return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet, and so does each one that it carries inside."""
    if inside := _embedded(address):
        return all(map(is_public, inside))
    if any(address in network for network in DOCUMENTATION):
        return True
    special = address.is_multicast or address.is_unspecified or address.is_reserved
    return address.is_global and not special and not any(address in network for network in NOT_PUBLIC)


def _embedded(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64, compatible."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address.sixtofour]
    if address.teredo:
        return list(address.teredo)
    if address in NAT64 or (address in IPV4_COMPATIBLE and int(address) > 1):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return []


def kind(address: Address) -> str:
    """What kind of address one is that is not public, in words for a message."""
    inside = _embedded(address)
    one = inside[0] if inside else address
    for name in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(one, f"is_{name}"):
            return name.replace("_", "-")
    if one in CARRIER_GRADE_NAT:
        return "shared (carrier-grade NAT)"
    return "private or reserved"


def refused(host: str, port: int, address: Address) -> UnsafeContent:
    """The error for a host at an address that is neither public nor listed."""
    where = host if canonical(host) == str(address) == host else f"{host} ({address})"
    return UnsafeContent(
        f"{where} is not asked: it is a {kind(address)} address, not one of the public internet.",
        f"If you trust that server, name it in {SETTING}: {canonical(host)}:{port}.",
    )
