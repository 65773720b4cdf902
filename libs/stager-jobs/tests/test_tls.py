"""Redis over TLS with a user of its own, as a deployment has it."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from stager_jobs.errors import JobNotFoundError, StoreUnavailableError
from stager_jobs.rq_store import RqJobInspector
from stager_redis import TlsFiles, connect
from stager_sandbox.free_port import free_port
from stager_sandbox.redis_server import find_redis_server


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@pytest.fixture
def tls_redis(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A Redis that speaks TLS only and knows one user; its port and the authority."""
    certificate, key = make_certificate(tmp_path, "redis")
    port = free_port()
    lines = [
        "bind 127.0.0.1",
        "port 0",
        f"tls-port {port}",
        f'tls-cert-file "{certificate}"',
        f'tls-key-file "{key}"',
        f'tls-ca-cert-file "{certificate}"',
        "tls-auth-clients no",
        "user default off",
        "user stager on >right ~rq:* ~stager:* &stager:* +@all -@dangerous +info",
        f'dir "{tmp_path}"',
    ]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([find_redis_server(), "-"], stdin=subprocess.PIPE, stdout=log, stderr=log)
    assert server.stdin
    server.stdin.write("\n".join([*lines, ""]).encode())
    server.stdin.close()
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            if server.poll() is not None:
                said = (tmp_path / "log").read_text()
                assert "tls-port" in said, said  # as a directive that it doesn't know
                pytest.skip("this redis-server is built without TLS")
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield port, certificate
    server.terminate()
    server.wait(30)


def test_tls_and_a_user_of_its_own(tls_redis: tuple[int, Path], tmp_path: Path) -> None:
    """With the right authority, user and password it works; with a wrong one of them it is one clear error."""
    port, authority = tls_redis
    address = f"rediss://stager:right@127.0.0.1:{port}/0"

    def look(url: str, tls: TlsFiles | None) -> None:
        RqJobInspector(connect(url, tls=tls)).get("nothing")

    with pytest.raises(JobNotFoundError):
        look(address, TlsFiles(authority))
    with pytest.raises(StoreUnavailableError, match=r"(?i)certificate"):
        look(address, None)
    with pytest.raises(StoreUnavailableError, match=r"(?i)certificate"):
        look(address, TlsFiles(make_certificate(tmp_path, "other")[0]))
    with pytest.raises(StoreUnavailableError, match=r"(?i)certificate"):
        look(address.replace("127.0.0.1", "localhost"), TlsFiles(authority))
    with pytest.raises(StoreUnavailableError, match="password"):
        look(address.replace("right", "wrong"), TlsFiles(authority))
    with pytest.raises(StoreUnavailableError):
        look(address.replace("rediss", "redis"), None)


@pytest.mark.parametrize(
    ("url", "tls"),
    [("redis://h/0", TlsFiles(Path("/ca.pem"))), ("rediss://h/0?ssl_cert_reqs=none", None), ("http://h", None)],
)
def test_verification_is_not_switched_off_in_passing(url: str, tls: TlsFiles | None) -> None:
    """Neither by the address nor by forgetting TLS in it."""
    with pytest.raises(ValueError, match=r"ssl_|rediss|scheme"):
        connect(url, tls=tls)
