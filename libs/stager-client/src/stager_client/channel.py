"""Opening a channel to the stager, sync or asyncio."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import grpc

from stager_client.errors import ConfigurationError
from stager_client.settings import ClientSettings

MAX_ANSWER: Final = 64 * 1024 * 1024
"""Bytes; a page of 10000 entries of a directory fits many times."""

_OPTIONS: Final = [
    ("grpc.max_receive_message_length", MAX_ANSWER),
    # Retries are made in this package, where they are seen and counted.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 5000),
]


def open_channel(settings: ClientSettings) -> grpc.Channel:
    """Open a channel; raises ConfigurationError if a certificate can't be read."""
    if not settings.tls:
        return grpc.insecure_channel(settings.target, options=_OPTIONS)
    return grpc.secure_channel(settings.target, _credentials(settings), options=_OPTIONS)


def open_async_channel(settings: ClientSettings) -> grpc.aio.Channel:
    """Open a channel for asyncio; raises as `open_channel` does."""
    if not settings.tls:
        return grpc.aio.insecure_channel(settings.target, options=_OPTIONS)
    return grpc.aio.secure_channel(settings.target, _credentials(settings), options=_OPTIONS)


def metadata(settings: ClientSettings) -> tuple[tuple[str, str | bytes], ...]:
    """What goes along with every call: who calls."""
    authorization = settings.authorization
    return (("authorization", authorization),) if authorization is not None else ()


def _credentials(settings: ClientSettings) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_read(settings.ca), private_key=_read(settings.key), certificate_chain=_read(settings.cert)
    )


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read: {error.strerror}") from error
    if b"-----BEGIN " not in content:
        # gRPC would go on without a word and fail each handshake.
        raise ConfigurationError(f"{path}: not a PEM file")
    return content
