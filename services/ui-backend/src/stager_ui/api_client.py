"""The stager's API, called with the access token of the person who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Lock
from typing import Final

from stager.v1 import directory_service_pb2
from stager_client import ClientSettings, Retry, StagerClient

from stager_ui.entries import Entry, EntryType
from stager_ui.settings import Api

_TYPES = {
    directory_service_pb2.ENTRY_TYPE_FILE: EntryType.FILE,
    directory_service_pb2.ENTRY_TYPE_DIRECTORY: EntryType.FOLDER,
    directory_service_pb2.ENTRY_TYPE_SYMLINK: EntryType.LINK,
}


# A person waits for it, and knows how to try again; once by ourselves bridges a restart of the API.
_FOR_A_PERSON: Final = Retry(tries=2)
# A page asks again by itself, and an API that hangs must not take all threads with it.
_FOR_A_PAGE: Final = Retry(tries=1)
_PAGE_SECONDS: Final = 5.0


class ApiClient:
    """The connections for all requests of a process; who calls goes along with each call.

    Args:
        settings: Where the API is.
        access_token: Gives the token of the person at hand.
        in_background: Tells whether a page asks by itself, with nobody waiting.
    """

    def __init__(self, settings: Api, access_token: Callable[[], str], in_background: Callable[[], bool]) -> None:
        self._settings = ClientSettings(
            address=settings.target,
            ca=settings.ca_file,
            cert=settings.certificate,
            key=settings.private_key,
            plaintext=settings.plaintext,
            timeout=settings.timeout_seconds,
        )
        self._access_token = access_token
        self._in_background = in_background
        self._lock = Lock()
        self._connections: dict[bool, StagerClient] = {}

    def caller(self) -> StagerClient:
        """The API for the person at hand. Every call may raise a StagerError."""
        return self._connection(background=self._in_background()).with_token(self._access_token())

    def _connection(self, *, background: bool) -> StagerClient:
        # Opened at the first call and not before: gRPC must not be used in the process that workers are forked from.
        with self._lock:
            if background not in self._connections:
                settings = replace(self._settings, timeout=min(_PAGE_SECONDS, self._settings.timeout))
                self._connections[background] = (
                    StagerClient(settings, _FOR_A_PAGE) if background else StagerClient(self._settings, _FOR_A_PERSON)
                )
        return self._connections[background]

    def list_directory(self, path: str) -> Iterator[Entry]:
        """Everything in a directory of the project storage, dot files too, in the order of names."""
        return map(_entry, self.caller().list_directory(path, include_hidden=True))


def _entry(message: directory_service_pb2.Entry) -> Entry:
    return Entry(
        message.name,
        _TYPES.get(message.type, EntryType.OTHER),
        size=message.size,
        modified=message.modified_at.ToSeconds() if message.HasField("modified_at") else 0,
        target=message.symlink_target,
        undecodable=message.undecodable,
    )
