"""TLS with real certificates, made on the spot."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from memory_stager import QUICK, TOKEN, MemoryStager, serve
from stager_client import ClientSettings, ConfigurationError, StagerClient, UnavailableError


@dataclass
class Authority:
    """A certificate authority in a folder."""

    folder: Path

    def __post_init__(self) -> None:
        """Make its own certificate."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.ca = self._write("ca", self._builder(self.name, self.key, is_ca=True).sign(self.key, hashes.SHA256()))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Make a certificate for 127.0.0.1; returns the paths of certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._builder(subject, key, is_ca=False).sign(self.key, hashes.SHA256())
        key_path = self.folder / f"{name}.key"
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return self._write(name, certificate), key_path

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_ca: bool) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
        )

    def _write(self, name: str, certificate: x509.Certificate) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority."""
    return Authority(tmp_path)


@pytest.fixture
def start(stager: MemoryStager, authority: Authority) -> Iterator[Callable[[bool], str]]:
    """Start the stager with TLS, asking for client certificates or not; returns its address."""
    servers = []

    def run(mutual: bool) -> str:
        certificate, key = authority.issue("server")
        pair = (key.read_bytes(), certificate.read_bytes())
        server, port = serve(
            stager,
            grpc.ssl_server_credentials(
                [pair], root_certificates=authority.ca.read_bytes() if mutual else None, require_client_auth=mutual
            ),
        )
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield run
    for server in servers:
        server.stop(0).wait(10)


def test_trusted(start: Callable[[bool], str], authority: Authority) -> None:
    """With the authority's certificate the call goes through."""
    with StagerClient(ClientSettings(start(False), token=TOKEN, ca=authority.ca), QUICK) as client:
        assert list(client.jobs()) == []


def test_not_trusted(start: Callable[[bool], str], stager: MemoryStager) -> None:
    """Without it nothing is sent, and the error says what is the matter."""
    settings = ClientSettings(start(False), token=TOKEN, plaintext=False)
    with StagerClient(settings, QUICK) as client, pytest.raises(UnavailableError, match="not trusted"):
        client.list_page()
    assert stager.calls.total() == 0


def test_plain_server(address: str, authority: Authority) -> None:
    """A stager without TLS is told from one that is away."""
    settings = ClientSettings(address, token=TOKEN, ca=authority.ca)
    with StagerClient(settings, QUICK) as client, pytest.raises(UnavailableError, match="doesn't speak TLS"):
        client.list_page()


def test_client_certificate(start: Callable[[bool], str], authority: Authority) -> None:
    """Where the stager asks for a client certificate, it is shown; without one there is no connection."""
    address = start(True)
    certificate, key = authority.issue("client")
    with StagerClient(
        ClientSettings(address, token=TOKEN, ca=authority.ca, cert=certificate, key=key), QUICK
    ) as client:
        assert list(client.jobs()) == []
    with (
        StagerClient(ClientSettings(address, token=TOKEN, ca=authority.ca), QUICK) as client,
        pytest.raises(UnavailableError),
    ):
        client.list_page()


def test_no_certificate_file(tmp_path: Path) -> None:
    """A CA file that is missing or no PEM is an error at once."""
    with pytest.raises(ConfigurationError, match="can't be read"):
        StagerClient(ClientSettings(ca=tmp_path / "none"))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigurationError, match="not a PEM"):
        StagerClient(ClientSettings(ca=tmp_path / "text"))
