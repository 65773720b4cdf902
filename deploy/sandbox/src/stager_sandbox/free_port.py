"""A port for a server that can't be told to take one of the kernel's choice."""

import random
import socket

_FIRST, _END = 20_000, 32_000  # below those that the kernel gives to connections, one of which might come first


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now, nor a connection may take before it is used."""
    for port in random.sample(range(_FIRST, _END), 100):
        try:
            with socket.create_server((host, port)):
                return port
        except OSError:
            continue
    raise OSError(f"none of a hundred ports of {host} is free")
