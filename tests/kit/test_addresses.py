"""Which addresses may be connected to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.kit.addresses import Blocked, check_address, network_of
from kit.addresses import FORBIDDEN, PUBLIC


@pytest.mark.parametrize("text", FORBIDDEN)
def test_forbidden_addresses(text: str) -> None:
    with pytest.raises(Blocked):
        check_address(text)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses(text: str) -> None:
    expected = ip_address(text)
    mapped = expected.ipv4_mapped if isinstance(expected, IPv6Address) else None
    assert check_address(text) == (mapped or expected)


@given(st.ip_addresses(v=4))
def test_every_wrapping_of_an_address_is_judged_like_the_address(inner: IPv4Address) -> None:
    def blocked(address: IPv4Address | IPv6Address) -> bool:
        try:
            check_address(address)
        except Blocked:
            return True
        return False

    number = int(inner)
    plain = blocked(inner)
    assert blocked(IPv6Address(0xFFFF << 32 | number)) is plain
    assert blocked(IPv6Address(0x64FF9B << 96 | number)) is plain
    isatap = IPv6Address(int(IPv6Address("2606:4700::5efe:0:0")) | number)
    assert blocked(isatap) is plain
    assert blocked(IPv6Address(number)), "compatible addresses are never public"
    assert blocked(IPv6Address(0x2002 << 112 | number << 80)), "nor is 6to4"
    if not inner.is_global and not inner.is_multicast:
        assert plain, "at least as strict as the standard library"


@pytest.mark.parametrize("text", ["", "example.org", "1.2.3", "1.2.3.4.5", "0x7f.1", "[::1]", "127.0.0.1/8"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Blocked):
        check_address(text)


def test_the_operator_opens_a_network_and_no_more() -> None:
    lan = (ip_network("192.168.1.0/24"), ip_network("fd00::/8"))
    assert str(check_address("192.168.1.7", lan)) == "192.168.1.7"
    assert str(check_address("::ffff:192.168.1.7", lan)) == "192.168.1.7"
    assert str(check_address("fd12::1", lan)) == "fd12::1"
    for other in ("192.168.2.7", "10.0.0.1", "2002:c0a8:107::", "64:ff9b::192.168.1.7", "fe80::1%2"):
        with pytest.raises(Blocked):
            check_address(other, lan)


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("", ""), ("a socket", "a socket"),
    ],
)  # fmt: skip
def test_who_calls_is_counted_by_what_one_customer_has(ip: str, network: str) -> None:
    assert network_of(ip) == network
