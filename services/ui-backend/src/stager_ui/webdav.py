"""The repository's WebDAV server, as the person whose repository account is given."""

from __future__ import annotations

import http.cookiejar
import ssl
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import httpx

from stager_ui.entries import Entry
from stager_ui.multistatus import PROPFIND_BODY, QUOTA_BODY, MalformedAnswerError, read_free_bytes, read_listing
from stager_ui.settings import Repository

CONNECT_SECONDS: Final = 10
QUEUE_SECONDS: Final = 2
"""How long a request waits for others to end."""
SILENCES: Final = 4
"""An answer may take so many times as long as the server may stay silent."""


@dataclass(frozen=True)
class Account:
    """A repository account and its password."""

    user: str
    password: str = field(repr=False)


class RepositoryError(Exception):
    """What was asked of the repository didn't happen."""


class WrongPasswordError(RepositoryError):
    """User name and password don't belong together, or not any more."""


class RepositoryUnreachableError(RepositoryError):
    """The repository doesn't answer, or not as a WebDAV server does."""


class NoSuchCollectionError(RepositoryError):
    """There is no such collection."""


class NotACollectionError(RepositoryError):
    """The path names a data object."""


class NotPermittedError(RepositoryError):
    """The account may not do this here."""


class AlreadyThereError(RepositoryError):
    """The name is taken."""


class ListingTooLargeError(RepositoryError):
    """The collection has more entries than a page can show."""


class WebDav:
    """Speaks to the server; one of these serves all requests of a process.

    Args:
        settings: Where the server is and which collection it begins with.
        at_once: How many requests may be under way; further ones wait a little, then fail.
    """

    def __init__(self, settings: Repository, at_once: int = 16) -> None:
        self._base = str(settings.webdav_url).rstrip("/")
        self._root = settings.collection_root.rstrip("/")
        self._max_bytes = settings.max_listing_bytes
        self._longest = SILENCES * settings.timeout_seconds
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        self._http = httpx.Client(
            verify=context,
            timeout=httpx.Timeout(
                settings.timeout_seconds, connect=CONNECT_SECONDS, pool=min(QUEUE_SECONDS, settings.timeout_seconds)
            ),
            limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
            follow_redirects=False,
            trust_env=False,
            # One client serves all people: a cookie of one person's login must not travel with another's request.
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
        )

    def check_login(self, account: Account) -> None:
        """Find out whether an account and its password belong together.

        Raises:
            WrongPasswordError: They don't.
            RepositoryUnreachableError: It can't be told.
        """
        # The first is what makes the RDR ask for the password of this account and not of an earlier browser login.
        for path in ("/.login", "/"):
            answer = self._send("PROPFIND", self._base + path, account, depth="0")
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise WrongPasswordError
            if answer.is_server_error or answer.is_redirect:
                raise RepositoryUnreachableError(f"it answered {answer.status_code}")
        if answer.status_code != httpx.codes.MULTI_STATUS:
            raise RepositoryUnreachableError(f"it answered {answer.status_code}")

    def list_collection(self, account: Account, path: str) -> list[Entry]:
        """What stands in a collection, in no order.

        Raises:
            RepositoryError: One of its kinds.
        """
        url = self._url(path, collection=True)
        answer = self._send("PROPFIND", url, account, depth="1")
        self._raise_for_status(answer.status_code, httpx.codes.MULTI_STATUS)
        try:
            listing = read_listing(answer.content, httpx.URL(url).raw_path.decode("ascii"))
        except MalformedAnswerError as error:
            raise RepositoryUnreachableError(str(error)) from error
        if not listing.is_collection:
            raise NotACollectionError
        return listing.entries

    def free_bytes(self, account: Account, path: str) -> int | None:
        """What can still be written below a collection, in bytes; None where the server doesn't tell.

        Raises:
            RepositoryError: One of its kinds.
        """
        answer = self._send("PROPFIND", self._url(path, collection=True), account, depth="0", body=QUOTA_BODY)
        self._raise_for_status(answer.status_code, httpx.codes.MULTI_STATUS)
        try:
            return read_free_bytes(answer.content)
        except MalformedAnswerError as error:
            raise RepositoryUnreachableError(str(error)) from error

    def make_collection(self, account: Account, path: str) -> None:
        """Make an empty collection; raises one of the kinds of RepositoryError."""
        answer = self._send("MKCOL", self._url(path, collection=True), account)
        if answer.status_code == httpx.codes.METHOD_NOT_ALLOWED:
            raise AlreadyThereError
        self._raise_for_status(answer.status_code, httpx.codes.CREATED)

    def _url(self, path: str, *, collection: bool) -> str:
        if path != self._root and not path.startswith(self._root + "/"):
            raise NoSuchCollectionError
        relative = path[len(self._root) :].rstrip("/")
        return self._base + quote(relative) + ("/" if collection else "")

    def _send(
        self, method: str, url: str, account: Account, depth: str | None = None, body: bytes = PROPFIND_BODY
    ) -> httpx.Response:
        deadline = time.monotonic() + self._longest
        headers = {"Depth": depth, "Content-Type": "application/xml; charset=utf-8"} if depth else {}
        try:
            with self._http.stream(
                method,
                url,
                headers=headers,
                content=body if depth else None,
                auth=httpx.BasicAuth(account.user.encode(), account.password.encode()),
            ) as answer:
                received = bytearray()
                for chunk in answer.iter_bytes():
                    received += chunk
                    if len(received) > self._max_bytes:
                        raise ListingTooLargeError
                    if time.monotonic() > deadline:
                        raise RepositoryUnreachableError(f"its answer took longer than {self._longest:.0f} s")
                return httpx.Response(answer.status_code, content=bytes(received))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RepositoryUnreachableError(type(error).__name__) from error

    @staticmethod
    def _raise_for_status(status: int, wanted: int) -> None:
        if status == wanted:
            return
        if status == httpx.codes.UNAUTHORIZED:
            raise WrongPasswordError
        if status == httpx.codes.FORBIDDEN:
            raise NotPermittedError
        if status in {httpx.codes.NOT_FOUND, httpx.codes.CONFLICT}:
            raise NoSuchCollectionError
        raise RepositoryUnreachableError(f"it answered {status}")
