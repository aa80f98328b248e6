"""Every way that we know to write an address that must not be knocked at, as (class, URL).

The classes are numbered: 196 loopback, 197 decimal, 198 octal, 199 hexadecimal, 200 short forms, 201 foreign digits and
dots, 202 IPv6 loopback, 203 mapped, 204 NAT64, 205 6to4, 206 Teredo and ISATAP, 207 compatible, 208 link-local and zone
ids, 209–211 clouds' metadata, 212 the unspecified address and reserved networks, 213 names that lead inside, 215 mixed
answers, 217 schemes, 218 tricks of notation, 219 our own name, 220 ports. (214 and 216, rebinding and redirects, are
tests of their own.) ``{port}`` is where the canaries listen.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from kit.addresses import FORBIDDEN, HOSTS, NO_URLS, PORTS, SCHEMES, TRICKS

Case = tuple[int, str]

TARGETS = "127.0.0.1 127.8.9.10 0.0.0.0 10.0.0.5 172.16.0.5 192.168.0.5 169.254.169.254 100.100.100.200".split()
INNER = "127.0.0.1 10.0.0.5 169.254.169.254 192.0.0.192".split()

# What the name service of the tests answers; none of it may be connected to.
ZONE: dict[str, list[str]] = {
    "localhost": ["127.0.0.1"],
    "localhost.localdomain": ["127.0.0.1"],
    "ip6-localhost": ["::1"],
    "any.localtest.example": ["127.0.0.1"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "metadata": ["169.254.169.254"],
    "metadata.google.internal": ["169.254.169.254"],
    "instance-data.ec2.internal": ["169.254.169.254"],
    "metadata.azure.internal": ["168.63.129.16"],
    "metadata.oraclecloud.example": ["192.0.0.192"],
    "metadata.alibaba.example": ["100.100.100.200"],
    "imds6.example": ["fd00:ec2::254"],
    "kubernetes.default.svc": ["10.96.0.1"],
    "host.docker.internal": ["172.17.0.1"],
    "router.lan": ["192.168.1.1"],
    "printer.local": ["fe80::1%2"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "compatible.example": ["::127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "6to4.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:4136:e378:8000:63bf:80ff:fffe"],
    "isatap.example": ["2606:4700::5efe:7f00:1"],
    "zero.example": ["0.0.0.0"],
    "zero6.example": ["::"],
    "multicast.example": ["224.0.0.1"],
    "mixed-first.example": ["127.0.0.1", "93.184.216.34"],
    "mixed-last.example": ["93.184.216.34", "10.0.0.5"],
    "mixed-six.example": ["2606:4700::1111", "::1"],
    "mixed-many.example": ["93.184.216.34", "1.1.1.1", "8.8.8.8", "169.254.169.254"],
    "xn--bcher-kva.example": ["127.0.0.1"],
    "desk.example": ["127.0.0.1"],  # our own public name, seen from inside
    "public.example": ["93.184.216.34"],
}


def octets(text: str) -> list[int]:
    return list(IPv4Address(text).packed)


def numbers(text: str) -> Iterator[Case]:
    """One address in the notations of ``inet_aton``, which resolvers and browsers still read."""
    a, b, c, d = octets(text)
    whole = int(IPv4Address(text))
    yield from ((197, str(whole)), (197, str(whole + 2**32)), (197, f"00{whole}"))
    yield from ((198, f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"), (198, f"0{whole:o}"), (198, f"{a:04o}.{b}.{c}.{d:04o}"))
    yield from ((199, f"0x{whole:x}"), (199, f"0X{whole:X}"), (199, f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"))
    yield from ((199, f"0x{a:x}.{b}.0{c:o}.{d}"), (199, f"0x{a:08x}.{b}.{c}.{d}"))
    yield from ((200, f"{a}.{b}.{c * 256 + d}"), (200, f"{a}.{b * 65536 + c * 256 + d}"), (200, f"{text}."))


def foreign(text: str) -> Iterator[Case]:
    """Digits and dots that name preparation (UTS 46) turns into ordinary ones."""
    for zero in "００𝟎𝟘𝟢𝟬𝟶٠०":
        yield 201, "".join(chr(ord(zero) + int(sign)) if sign.isdigit() else sign for sign in text)
    circled = "⓪①②③④⑤⑥⑦⑧⑨"
    superscript = "⁰¹²³⁴⁵⁶⁷⁸⁹"
    yield 201, "".join(circled[int(sign)] if sign.isdigit() else sign for sign in text)
    yield 201, "".join(superscript[int(sign)] if sign.isdigit() else sign for sign in text)
    for dot in "。．｡․":
        yield 201, text.replace(".", dot)
    for invisible in "\u00ad\u200b\u200d\u2060\ufeff\u180e":
        yield 201, f"{text[:2]}{invisible}{text[2:]}"
    yield 201, "".join(f"%{ord(sign):02x}" for sign in text)
    yield 201, "".join(f"%25{ord(sign):02x}" for sign in text)
    yield 201, text.replace(".", "%2e")


def wrapped(text: str) -> Iterator[Case]:
    """An IPv4 address inside an IPv6 one."""
    number = int(IPv4Address(text))
    high, low = number >> 16, number & 0xFFFF
    yield from ((203, f"::ffff:{text}"), (203, f"::FFFF:{high:X}:{low:x}"), (203, f"0:0:0:0:0:ffff:{high:x}:{low:x}"))
    yield from ((203, f"0000:0000:0000:0000:0000:ffff:{text}"), (203, f"::ffff:0:{text}"))
    yield from ((204, f"64:ff9b::{text}"), (204, f"64:ff9b::{high:x}:{low:x}"), (204, f"64:ff9b:1::{high:x}:{low:x}"))
    yield from ((205, f"2002:{high:x}:{low:x}::"), (205, f"2002:{high:x}:{low:x}::1"))
    hidden = number ^ 0xFFFFFFFF
    yield 206, f"2001:0:4136:e378:8000:63bf:{hidden >> 16:x}:{hidden & 0xFFFF:x}"
    yield from ((206, f"2001:0:{high:x}:{low:x}::1"), (206, f"2606:4700::5efe:{text}"), (206, f"2a00::200:5efe:{text}"))
    yield from ((207, f"::{text}"), (207, f"::{high:x}:{low:x}"))


LOOPBACK_V6 = "::1 0::1 ::0:1 0:0:0:0:0:0:0:1 ::0001 0000:0000:0000:0000:0000:0000:0000:0001 ::0.0.0.1".split()
LINK_LOCAL = "fe80::1 fe80::1%1 fe80::1%lo fe80::1%251 fe80::1%25eth0 febf::1 fe80::5efe:7f00:1 ::1%1 fec0::1".split()
METADATA = {209: ["169.254.169.254", "169.254.170.2"], 210: ["fd00:ec2::254", "fd20:ce::254"]}
METADATA[211] = ["192.0.0.192", "100.100.100.200", "168.63.129.16"]

# Our own additions to the tricks that the kit's tests know; CANARY is an address with its port.
NOTATION = [
    "http://good.example:80#@CANARY/",
    "http://good.example?@CANARY/",
    "http://good.example/\\@CANARY/",
    "http://CANARY:@good.example/",
    "http://good.example:@CANARY/",
    "http://good.example%40CANARY/",
    "http://good.example%23@CANARY/",
    "http://good.example\u2044@CANARY/",
    "http://good.example\uff0f@CANARY/",
    "http://good.example\uff20CANARY/",
    "http://good.example\x0b@CANARY/",
    "http://CANARY\x7f/",
    "http://CANARY\x85/",
    "http://CANARY\xa0/",
    "http://CANARY%0d%0aHost:good.example/",
    "http://[CANARY]/",
    "http://CANARY]/",
    "http://[good.example]@CANARY/",
    "http://$CANARY/",
    "http://CANARY,good.example/",
    "http://<CANARY>/",
    "http://'CANARY'/",
    "http://`CANARY`/",
    "http://CANARY|good.example/",
    "http://CANARY^/",
    "http://~CANARY/",
    "h\tttp://CANARY/",
    "http:\n//CANARY/",
    "http\u003a//CANARY/",
    "http://%43ANARY.example@CANARY/",
    "https:CANARY",
    "http:////CANARY/",
    "/\\CANARY/",
    "\\\\CANARY\\share",
    "http://good.example;@CANARY/",
    "http://CANARY:80:80/",
]

MORE_SCHEMES = (
    "ssh sftp tftp telnet imap imaps pop3 smtp smb nfs ldaps rtsp mailto tel blob filesystem about view-source php"
    " expect netdoc jdbc git svn wss h2c http+unix https+unix".split()
)
MORE_PORTS = [0, 1, 79, 81, 111, 135, 139, 389, 636, 1433, 2375, 2379, 5000, 5672, 5984, 6443, 8000, 8443, 9090, 10250]
MORE_PORTS += [27017, 50070]


def spell(host: str) -> str:
    bare = host.startswith("[") or ":" not in host
    return f"http://{host if bare else f'[{host}]'}:{{port}}/"


def hosts() -> list[Case]:
    """Classes 196–215: what may stand where a host stands, in a URL or in a setting of its own."""
    found: list[Case] = [(196, f"127.{n}") for n in ("0.0.1", "0.0.2", "1.1.1", "255.255.254")]
    for text in TARGETS:
        found += numbers(text)
    for text in ("127.0.0.1", "169.254.169.254", "10.0.0.5"):
        found += foreign(text)
    found += [(202, text) for text in LOOPBACK_V6]
    for text in INNER:
        found += wrapped(text)
    found += [(208, text) for text in LINK_LOCAL]
    found += [(number, text) for number, listed in METADATA.items() for text in listed]
    found += [(212, text) for text in FORBIDDEN]
    found += [(218, text) for text in HOSTS]
    for name in ZONE:
        number = 215 if name.startswith("mixed") else 219 if name == "desk.example" else 213
        found += [(number, name), (number, name.upper())] if name != "public.example" else []
    return _distinct(found)


def urls() -> list[Case]:
    found = [(number, spell(host)) for number, host in hosts()]
    for canary in ("127.0.0.1:{port}", "[::1]:{port}", "desk.example:{port}"):
        found += [(218, trick.replace("CANARY", canary)) for trick in (*TRICKS, *NOTATION)]
    found += [(217, f"{scheme}://127.0.0.1:{{port}}/") for scheme in (*SCHEMES, *MORE_SCHEMES)]
    found += [(217, "file:///etc/passwd"), (217, "file://127.0.0.1/etc/passwd"), (217, "data:text/plain,x")]
    found += [(217, "gopher://127.0.0.1:{port}/_GET%20/"), (217, "dict://127.0.0.1:{port}/info")]
    found += [(218, text) for text in NO_URLS]
    found += [(220, f"http://public.example:{port}/") for port in (*PORTS, *MORE_PORTS)]
    found += [(220, f"https://public.example:{port}/") for port in PORTS]
    return _distinct(found)


def _distinct(found: list[Case]) -> list[Case]:
    """Each spelling once, under its first class."""
    kept: dict[str, int] = {}
    for number, text in found:
        kept.setdefault(text, number)
    return [(number, text) for text, number in kept.items()]
