"""Asks a running service how it is, over the standard gRPC health protocol."""

from __future__ import annotations

from pathlib import Path

import grpc
from cryptography import x509
from grpc_health.v1 import health_pb2

from stager_api.settings import ApiSettings

_ANY = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, not what is called


class ProbeError(Exception):
    """The service doesn't answer, or says that it can't serve; the text says which."""


def probe(settings: ApiSettings, address: str | None, service: str, seconds: float) -> str:
    """Ask how the service is; returns `SERVING HOST:PORT`.

    Where `health.port` is set that one is asked. Else it is the service's own port, and under TLS the one certificate
    that is trusted is the service's own.

    Args:
        settings: The service's own.
        address: HOST:PORT, if it isn't the one in the settings.
        service: The part that is asked about; empty: all of it.
        seconds: How long to wait.

    Raises:
        ProbeError: The answer is not SERVING, or there is none.
    """
    separate = settings.health.port is not None and address is None
    host, port = (settings.health.host, settings.health.port) if separate else (settings.grpc.host, settings.grpc.port)
    host = _ANY.get(host, host)
    target = address or (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    if settings.grpc.tls and not separate:
        pem = _read(settings.grpc.tls.certificate)
        mutual = settings.grpc.tls.client_ca is not None
        credentials = grpc.ssl_channel_credentials(
            pem,
            _read(settings.grpc.tls.key) if mutual else None,
            pem if mutual else None,
        )
        channel = grpc.secure_channel(target, credentials, [("grpc.ssl_target_name_override", _name_in(pem))])
    else:
        channel = grpc.insecure_channel(target)
    with channel:
        try:
            answer = _check(channel, service, seconds)
        except grpc.RpcError as error:
            hint = (
                "; the service asks for client certificates: set health.port"
                if settings.grpc.tls and settings.grpc.tls.client_ca and not separate
                else ""
            )
            raise ProbeError(f"{target} gives no answer ({_code(error)}){hint}") from error
    state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise ProbeError(f"{state} {target}: the service runs, and can't reach its queue or is about to stop")
    return f"{state} {target}"


def _check(channel: grpc.Channel, service: str, seconds: float) -> health_pb2.HealthCheckResponse:
    """One question, without the generated stub, which has no usable types."""
    ask = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    return ask(health_pb2.HealthCheckRequest(service=service), timeout=seconds)


def _code(error: grpc.RpcError) -> str:
    code = getattr(error, "code", None)
    return code().name if callable(code) else type(error).__name__


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProbeError(f"{path}: can't be read: {error.strerror}") from error


def _name_in(pem: bytes) -> str:
    """A name that the certificate is for: it is known by its bytes here, whatever it is called."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise ProbeError("grpc.tls.certificate is no certificate with a name in it") from error
    found = [str(name) for name in names.get_values_for_type(x509.DNSName)]
    found += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    if not found:
        raise ProbeError("grpc.tls.certificate names no host")
    return found[0].replace("*", "any", 1)
