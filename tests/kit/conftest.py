"""The name service of the tests, and web servers that have names in it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from frontdesk.kit import fetch as module
from kit.web import Names, Web, listening

ZONE: Names = {
    "loop.test": ["127.0.0.1"],
    "private.test": ["192.168.1.7"],
    "metadata.test": ["169.254.169.254"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "mixed.test": ["93.184.216.34", "127.0.0.1"],
    "linklocal.test": ["fe80::1%2"],
    "teredo.test": ["2001:0:7f00:1::1"],
    "nat64.test": ["64:ff9b::7f00:1"],
    "public.test": ["93.184.216.34"],
    "nothing.test": [],
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Name service for the tests: real names are not asked for."""
    zone = dict(ZONE)
    real = module._lookup

    async def lookup(host: str, port: int) -> list[str]:
        if host not in zone:
            assert host == "localhost", f"{host} would have been looked up"
            return await real(host, port)
        return zone[host]

    monkeypatch.setattr(module, "_lookup", lookup)
    return zone


@pytest.fixture
async def web(names: Names) -> AsyncIterator[Web]:
    async with listening() as found:
        names["site.test"] = ["127.0.0.1"]
        names["other.test"] = ["127.0.0.1"]
        yield found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for site.test that the client is made to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("site.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem, private = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return pem, context


@pytest.fixture
async def secure(
    certificate: tuple[Path, ssl.SSLContext], names: Names, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Web]:
    pem, context = certificate
    monkeypatch.setattr(module, "_tls", lambda: ssl.create_default_context(cafile=str(pem)))
    async with listening(context) as found:
        context.sni_callback = lambda _socket, name, _context: found.server_names.append(name)
        names["site.test"] = names["other.test"] = ["127.0.0.1"]
        yield found
