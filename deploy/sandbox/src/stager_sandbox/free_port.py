"""A port for a server that can't be told to take one of the kernel's choice."""

import contextlib
import random
import socket

_FIRST, _END = 20_000, 32_000  # below those that the kernel gives to connections, one of which might come first


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now, nor a connection may take before it is used."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """As many such ports, no two alike."""
    found: list[int] = []
    for port in random.sample(range(_FIRST, _END), 100):
        with contextlib.suppress(OSError), socket.create_server((host, port)):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"of a hundred ports of {host} only {len(found)} are free, {count} are needed")
