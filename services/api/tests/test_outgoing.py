"""Asking other services over HTTP: what they answer is bounded in time and size."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest
from stager_api.outgoing import https_client

HEAD = b"HTTP/1.1 200 OK\r\n"


def drips(connection: socket.socket) -> None:
    """A byte now and then, for ever."""
    connection.sendall(HEAD + b"content-length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def pours(connection: socket.socket) -> None:
    """More and more, without saying how much."""
    connection.sendall(HEAD + b"connection: close\r\n\r\n")
    while True:
        connection.sendall(b"x" * 10_000)


def swells(connection: socket.socket) -> None:
    """Little that becomes much."""
    body = gzip.compress(b"x" * 10_000_000)
    connection.sendall(HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def behaves(connection: socket.socket) -> None:
    """A short answer."""
    connection.sendall(HEAD + b"content-length: 2\r\n\r\n{}")


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """A server that does so to everybody who comes; its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def start(behaviour: Callable[[socket.socket], None]) -> str:
        def run() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.recv(65_536)
                        behaviour(connection)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield start
    listening.close()


@pytest.mark.parametrize("behaviour", [drips, pours, swells])
def test_no_answer_goes_on_for_ever(
    serve: Callable[[Callable[[socket.socket], None]], str], behaviour: Callable[[socket.socket], None]
) -> None:
    """Neither in time nor in size; what is compressed isn't unpacked at all."""
    url = serve(behaviour)
    began = time.monotonic()
    with https_client(most_seconds=1, most_bytes=100_000) as http, pytest.raises(httpx.TransportError):
        http.get(url)
    assert time.monotonic() - began < 8


def test_a_short_answer_comes_through(serve: Callable[[Callable[[socket.socket], None]], str]) -> None:
    """As it is."""
    with https_client(most_seconds=5, most_bytes=2) as http:
        assert http.get(serve(behaves)).json() == {}


@pytest.mark.parametrize("url", ["http://192.0.2.1/", "http://login.example.org/jwks", "ftp://127.0.0.1/"])
def test_nothing_is_asked_in_clear(url: str) -> None:
    """Whoever names the address: a provider's discovery document may name any, and tokens would go there."""
    with https_client() as http, pytest.raises(httpx.UnsupportedProtocol):
        http.get(url, headers={"authorization": "Bearer x"})
