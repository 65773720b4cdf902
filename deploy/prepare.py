"""Make the directory that a deployment runs from: configuration, passwords, certificates, keys.

    .venv/bin/python deploy/prepare.py DIR [--name HOST]... [--sandbox]

What is in DIR already is kept, so that a second run only adds what is missing. Passwords are random and stand in
DIR/secrets, which its owner alone can read. The certificates come from an authority of DIR's own; replace certs/ with
your institute's where you have them.

Run it as root, unless the container engine runs as you: root in a container reads files of its own only, since it has
lost the right to read others'.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = Path(__file__).resolve().parent
CONFIGURATION = HERE / "config"
PORTS = {"api": 50051, "ui": 8080, "admin": 9181, "login": 8090}
"""Where this machine's ports are published; login is the sandbox's."""
YEARS = 5
REDIS_RIGHTS = "+@all -@admin -@dangerous +info +client|setname +client|list +keys"


def write_once(path: Path, text: str, *, mode: int = 0o600) -> bool:
    """Write a file that isn't there yet; whether it was written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return True


def configuration(target: Path, values: dict[str, str], folders: list[Path]) -> None:
    """Copy the sample configuration, and give the administrator a password.

    Args:
        target: The deployment's directory.
        values: What stands as `${...}` in it.
        folders: Where the samples are; the first that has one wins.
    """
    if not (target / "config/admin.yml").exists():
        password = secrets.token_urlsafe(18)
        write_once(target / "secrets/admin-password", password + "\n")
        values["admin_password_hash"] = PasswordHasher().hash(password)
    for name in ("admin.yml", "api-server.yml", "redis.conf", "ui.yml", "worker.yml"):
        source = next(folder / name for folder in folders if (folder / name).exists())
        # The worker's holds passwords of service accounts.
        mode = 0o600 if name == "worker.yml" else 0o644
        write_once(target / "config" / name, Template(source.read_text()).safe_substitute(values), mode=mode)


def redis_users(target: Path, more: dict[str, str]) -> None:
    """A user of Redis for each part, with what it needs and no more.

    Args:
        target: The deployment's directory.
        more: By name of a part: further variables for it.
    """
    if (target / "secrets/redis-acl").exists():
        return
    rights = {
        # The worker has the append-only file written anew, to forget passwords on the disk, too.
        "stager": f"~rq:* ~stager:* &rq:* &stager:* {REDIS_RIGHTS} +bgrewriteaof",
        "ui": f"~stager-ui:* {REDIS_RIGHTS}",
        "admin": f"~rq:* ~stager:* &rq:* &stager:* {REDIS_RIGHTS}",
    }
    passwords = {name: secrets.token_urlsafe(32) for name in rights}
    # Nobody can log in as the default user. But Redis 7.0 reads its append-only file with that user's rights, and drops
    # the transactions that they forbid: without any, the jobs are gone at the next start.
    # Anybody on Redis's network may ask whether it is well: the health check.
    lines = ["user default off resetpass ~* &* +@all", "user health on nopass resetkeys resetchannels +ping"]
    # What adds workers when jobs wait measures queues; KEDA does that by a script.
    scaler = "~rq:queue:* ~rq:wip:* resetchannels -@all +ping +hello +eval +type +llen +zcard"
    passwords["scaler"] = secrets.token_urlsafe(32)
    for name, right in (rights | {"scaler": scaler}).items():
        lines.append(f"user {name} on #{hashlib.sha256(passwords[name].encode()).hexdigest()} {right}")
    addresses = {name: f"redis://{name}:{password}@redis:6379/0" for name, password in passwords.items()}
    session_secret = secrets.token_urlsafe(48)
    files = {
        # Read whole by the swarm and by Kubernetes.
        "session-secret": session_secret + "\n",
        **{f"redis-url-{name}": address + "\n" for name, address in addresses.items() if name != "scaler"},
        "redis-scaler-user": "scaler",
        "redis-scaler-password": passwords["scaler"],
        # Read as variables by compose.
        "api.env": f"STAGER_REDIS_URL={addresses['stager']}\n",
        "worker.env": f"STAGER_REDIS_URL={addresses['stager']}\n",
        "ui.env": f"STAGER_UI_REDIS__URL={addresses['ui']}\nSTAGER_UI_SESSION__SECRET={session_secret}\n",
        "admin.env": f"STAGER_ADMIN_REDIS_URL={addresses['admin']}\n",
        # Read by the image's redis user; it holds hashes only.
        "redis-acl": "\n".join(lines) + "\n",
    }
    for name, text in files.items():
        write_once(target / "secrets" / name, text + more.get(name, ""), mode=0o644 if name == "redis-acl" else 0o600)


def certificate_authority(target: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The deployment's own authority, made on the first run."""
    key_file, certificate_file = target / "secrets/ca-key.pem", target / "certs/ca.pem"
    if key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            sys.exit(f"prepare: {key_file}: not a key that this program made")
        return x509.load_pem_x509_certificate(certificate_file.read_bytes()), key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stager deployment authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * 2 * YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_once(certificate_file, certificate.public_bytes(serialization.Encoding.PEM).decode(), mode=0o644)
    write_once(key_file, _pem(key))
    return certificate, key


def api_certificate(target: Path, names: list[str]) -> None:
    """The API's certificate, for these host names."""
    certs = target / "certs"
    if (certs / "api.pem").exists():
        return
    authority, authority_key = certificate_authority(target)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write_once(certs / "api.pem", certificate.public_bytes(serialization.Encoding.PEM).decode(), mode=0o644)
    write_once(certs / "api-key.pem", _pem(key))


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def sealing_keys(target: Path) -> None:
    """The first sealing key; the API gets the public half only."""
    private, public = target / "keys/private", target / "keys/public"
    if not (private / "current").exists():
        program = Path(sys.executable).parent / "stager-credentials"
        subprocess.run([program, "new-key", private], check=True, stdout=subprocess.DEVNULL)
    for source in [*private.glob("*.pub.pem"), private / "current"]:
        shutil.copyfile(source, public / source.name)
        (public / source.name).chmod(0o644)


def kubernetes(target: Path) -> None:
    """What `kubectl apply -k` reads, with the key's name and the way to the repository's base."""
    values = {
        "key": (target / "keys/public/current").read_text().strip(),
        "kubernetes": os.path.relpath(HERE / "kubernetes", target.resolve()),
        "version": (HERE.parent / "VERSION").read_text().strip(),
    }
    for source in sorted((HERE / "kubernetes" / "overlay").iterdir()):
        write_once(target / source.name, Template(source.read_text()).safe_substitute(values), mode=0o644)


def variables(target: Path, ports: dict[str, int], *, sandbox: bool) -> None:
    """A copy of env.sh that begins with what this deployment says."""
    given = {"STAGER_DIR": str(target.resolve())}
    given |= {f"STAGER_PORT_{part.upper()}": str(port) for part, port in ports.items()}
    if sandbox:
        given["STAGER_PROJECT"] = f"{target.resolve()}/project"
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in given.items()]
    write_once(target / "env.sh", "".join(lines) + (HERE / "env.sh").read_text(), mode=0o644)


def client_settings(target: Path, port: int, password: str) -> None:
    """With which the `stager` command speaks to the sandbox's stack."""
    values = {"address": f"localhost:{port}", "ca": f"{target.resolve()}/certs/ca.pem", "user": "demo"}
    lines = [f'{key} = "{value}"\n' for key, value in (values | {"password": password}).items()]
    write_once(target / "secrets/client.toml", "".join(lines))


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description="Make the directory that a deployment runs from.")
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--name", action="append", default=[], help="host name that clients call the API by")
    parser.add_argument("--sandbox", action="store_true", help="for compose.sandbox.yaml: all that the stager talks to")
    for part, usual in PORTS.items():
        parser.add_argument(f"--{part}-port", type=int, default=usual, help=f"port on this machine; default {usual}")
    arguments = parser.parse_args()
    target: Path = arguments.directory
    ports: dict[str, int] = {part: getattr(arguments, f"{part}_port") for part in PORTS}
    os.umask(0o022)
    for name, mode in {
        "config": 0o755,
        "secrets": 0o700,
        "certs": 0o755,
        "keys/private": 0o700,
        "keys/public": 0o755,
    }.items():
        (target / name).mkdir(parents=True, exist_ok=True)
        (target / name).chmod(mode)
    values = {f"{part}_port": str(port) for part, port in ports.items()}
    folders, more = [CONFIGURATION], {}
    if arguments.sandbox:
        import prepare_sandbox

        values |= prepare_sandbox.prepare(target)
        folders.insert(0, CONFIGURATION / "sandbox")
        more["ui.env"] = f"STAGER_UI_OIDC__CLIENT_SECRET={values['ui_client_secret']}\n"
        more["api.env"] = f"STAGER_API_PROJECTS__PPM__CLIENT_SECRET={values['form_client_secret']}\n"
        client_settings(target, ports["api"], values["demo_password"])
    configuration(target, values, folders)
    redis_users(target, more)
    api_certificate(target, [*arguments.name, "api", "localhost"])
    sealing_keys(target)
    kubernetes(target)
    variables(target, ports, sandbox=arguments.sandbox)
    files = "-f deploy/compose.yaml" + (" -f deploy/compose.sandbox.yaml" if arguments.sandbox else "")
    print(f"{target}: ready. {'' if arguments.sandbox else f'Edit {target}/config, then:'}")
    print(f"  . {target}/env.sh && docker compose {files} up -d")
    if arguments.sandbox:
        print(f"Then sign in at http://127.0.0.1:{ports['ui']} as alice; the passwords are in {target}/secrets/people.")
        print(f"  STAGER_CONFIG={target}/secrets/client.toml .venv/bin/stager list")


if __name__ == "__main__":
    main()
