"""Which addresses are the public internet's, and not this machine's, its network's or its cloud's."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address, IPv6Network

NAT64 = IPv6Network("64:ff9b::/96")
"""The prefix behind which the last 32 bits are an IPv4 address of the internet (RFC 6052)."""
CLOUDS_OWN = frozenset({IPv4Address("168.63.129.16"), IPv4Address("192.0.0.192")})
"""Addresses that look public and are a cloud's own (Azure's wire server, Oracle's metadata)."""


def is_public(text: str) -> bool:
    """Whether an address, in digits, is somebody's on the internet; also where it wraps another that is not."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address in NAT64:
        return "%" not in text and _is_plain_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if "%" in text or not _is_plain_public(address):
        return False
    return all(_is_plain_public(inner) for inner in _wrapped(address))


def _is_plain_public(address: IPv4Address | IPv6Address) -> bool:
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    local = address.is_private or address.is_link_local or getattr(address, "is_site_local", False)
    return address.is_global and not special and not local and address not in CLOUDS_OWN


def _wrapped(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, 6to4 or Teredo."""
    if isinstance(address, IPv4Address):
        return []
    found = [inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None]
    found += address.teredo or ()
    return found
