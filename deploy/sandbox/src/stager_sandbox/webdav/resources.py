"""Collections and data objects of the zone as WsgiDAV's resources, each seen as the user who asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from wsgidav.dav_error import (
    HTTP_CONFLICT,
    HTTP_FORBIDDEN,
    HTTP_INTERNAL_ERROR,
    HTTP_LOCKED,
    HTTP_NOT_FOUND,
    DAVError,
)
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider

from stager_sandbox.zone import Code, Entry, Upload, ZoneError, ZoneFiles

LOGIN = "/.login"
"""An empty collection that everybody who is logged in may look at, and that is listed nowhere."""

_STATUS = {
    Code.CAT_NO_ACCESS_PERMISSION: HTTP_FORBIDDEN,
    Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL: HTTP_FORBIDDEN,
    Code.CANT_RM_NON_EMPTY_HOME_COLL: HTTP_FORBIDDEN,
    Code.SYS_INVALID_INPUT_PARAM: HTTP_FORBIDDEN,
    Code.CAT_NO_ROWS_FOUND: HTTP_NOT_FOUND,
    Code.OBJ_PATH_DOES_NOT_EXIST: HTTP_NOT_FOUND,
    Code.USER_FILE_DOES_NOT_EXIST: HTTP_NOT_FOUND,
    Code.CAT_UNKNOWN_COLLECTION: HTTP_NOT_FOUND,
    Code.CAT_UNKNOWN_FILE: HTTP_NOT_FOUND,
    Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME: HTTP_CONFLICT,
    Code.CAT_NAME_EXISTS_AS_COLLECTION: HTTP_CONFLICT,
    Code.CAT_NAME_EXISTS_AS_DATAOBJ: HTTP_CONFLICT,
    Code.INTERMEDIATE_REPLICA_ACCESS: HTTP_LOCKED,
    Code.LOCKED_DATA_OBJECT_ACCESS: HTTP_LOCKED,
    Code.HIERARCHY_ERROR: HTTP_LOCKED,
}


@contextmanager
def _answered() -> Iterator[None]:
    """Turn the zone's refusals into WebDAV's."""
    try:
        yield
    except ZoneError as error:
        status = _STATUS.get(Code(error.code), HTTP_INTERNAL_ERROR) if error.code in set(Code) else HTTP_INTERNAL_ERROR
        raise DAVError(status, str(error)) from error


class ZoneProvider(DAVProvider):
    """Finds what stands at a path."""

    def __init__(self, files: ZoneFiles) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # WsgiDAV has no types
        self.files = files

    def is_readonly(self) -> bool:
        """It can be written."""
        return False

    def get_resource_inst(self, path: str, environ: dict[str, Any]) -> DAVCollection | DAVNonCollection | None:
        """The resource at a path, or None where the user sees nothing."""
        if path.rstrip("/") == LOGIN:
            return LoginCollection(path, environ)
        with _answered():
            entry = self.files.stat(_user(environ), _path(path))
        return _resource(entry, environ, self.files) if entry else None


class LoginCollection(DAVCollection):
    """Where clients try a name and password."""

    def get_member_names(self) -> list[str]:
        """It is empty."""
        return []


class _Named:
    """What collections and data objects have in common; goes before WsgiDAV's class, which has answers of its own."""

    _entry: Entry
    _files: ZoneFiles
    _user: str

    def get_creation_date(self) -> float:
        """When it was made, in seconds since the epoch."""
        return self._entry.created

    def get_last_modified(self) -> float:
        """When it was changed, in seconds since the epoch."""
        return self._entry.modified

    def handle_delete(self) -> bool:
        """Remove it, with all in it."""
        self.delete()
        return True

    def delete(self) -> None:
        """Remove it, with all in it, to make room."""
        with _answered():
            self._files.remove(self._user, self._entry.path)

    def handle_move(self, dest_path: str) -> bool:
        """Give it another path."""
        with _answered():
            self._files.rename(self._user, self._entry.path, _path(dest_path))
        return True


class ZoneCollection(_Named, DAVCollection):
    """A collection."""

    def __init__(self, entry: Entry, environ: dict[str, Any], files: ZoneFiles) -> None:
        super().__init__(_uri(entry), environ)
        self._entry = entry
        self._files = files
        self._user = _user(environ)

    def get_available_bytes(self) -> int:
        """How much can still be written (RFC 4331)."""
        return self._files.free_bytes()

    def get_member_names(self) -> list[str]:
        """What is in it, by name."""
        with _answered():
            return [entry.name for entry in self._files.list(self._user, self._entry.path)]

    def get_member_list(self) -> list[DAVCollection | DAVNonCollection]:
        """What is in it, in one look."""
        with _answered():
            entries = list(self._files.list(self._user, self._entry.path))
        return [_resource(entry, self.environ, self._files) for entry in entries]

    def create_empty_resource(self, name: str) -> ZoneObject:
        """A data object that is about to be written."""
        return ZoneObject(_newcomer(_join(self._entry.path, name)), self.environ, self._files)

    def create_collection(self, name: str) -> None:
        """Make a collection in it."""
        with _answered():
            self._files.make_collection(self._user, _join(self._entry.path, name))

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:  # noqa: ARG002 - WsgiDAV's signature
        """Make its likeness, without what is in it."""
        with _answered():
            self._files.make_collection(self._user, _path(dest_path))


class ZoneObject(_Named, DAVNonCollection):
    """A data object."""

    def __init__(self, entry: Entry, environ: dict[str, Any], files: ZoneFiles) -> None:
        super().__init__(_uri(entry), environ)
        self._entry = entry
        self._files = files
        self._user = _user(environ)
        self._upload: Upload | None = None

    def get_content_length(self) -> int:
        """Bytes."""
        return self._entry.size

    def support_etag(self) -> bool:
        """It has one."""
        return True

    def get_etag(self) -> str:
        """Changes with the content, as far as size and time tell."""
        return f"{self._entry.modified:x}-{self._entry.size:x}"

    def support_ranges(self) -> bool:
        """Parts of it can be read."""
        return True

    def get_content(self) -> BinaryIO:
        """Its bytes; WsgiDAV closes the stream."""
        with _answered():
            return self._files.read(self._user, self._entry.path)

    def begin_write(self, *, content_type: str | None = None) -> _Unfinished:  # noqa: ARG002 - WsgiDAV's signature
        """Open it to be written anew."""
        with _answered():
            self._upload = self._files.write(self._user, self._entry.path)
        return _Unfinished(self._upload)

    def end_write(self, *, with_errors: bool) -> None:
        """Register what was written, or leave it stale where the writing broke off."""
        upload, self._upload = self._upload, None
        if upload is None:
            return
        with _answered():
            if with_errors:
                upload.abort()
                return
            upload.close()
            self._entry = self._files.stat(self._user, self._entry.path) or self._entry

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:  # noqa: ARG002 - WsgiDAV's signature
        """Copy it."""
        with _answered():
            self._files.copy(self._user, self._entry.path, _path(dest_path), overwrite=True)


class _Unfinished:
    """What WsgiDAV writes to and closes; whether it is registered is told by `end_write`."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def write(self, data: bytes) -> int:
        with _answered():
            return self._upload.write(data)

    def close(self) -> None:
        """Nothing is decided yet."""


def _resource(entry: Entry, environ: dict[str, Any], files: ZoneFiles) -> DAVCollection | DAVNonCollection:
    kind = ZoneCollection if entry.is_collection else ZoneObject
    return kind(entry, environ, files)


def _newcomer(path: str) -> Entry:
    return Entry(path, is_collection=False, size=0, modified=0, created=0, checksum="", status=1, writable=True)


def _user(environ: dict[str, Any]) -> str:
    return str(environ["wsgidav.auth.user_name"])


def _path(uri: str) -> str:
    """A URI's path in the zone; WsgiDAV doubles slashes when it copies a collection."""
    return "/" + "/".join(part for part in uri.split("/") if part)


def _join(collection: str, name: str) -> str:
    return f"{collection.rstrip('/')}/{name}"


def _uri(entry: Entry) -> str:
    return f"{entry.path.rstrip('/')}/" if entry.is_collection else entry.path
