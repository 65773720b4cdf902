"""Bundles: tar and zip files that are unpacked into collections, or made of them, within the zone."""

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from stager_sandbox.zone.catalogue import Catalogue, paths
from stager_sandbox.zone.catalogue.collections import Collection
from stager_sandbox.zone.catalogue.objects import Replica
from stager_sandbox.zone.catalogue.schema import READ
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.collections import CollectionOperations
from stager_sandbox.zone.operations.permissions import visible_collection, visible_object
from stager_sandbox.zone.operations.replicas import ReplicaOperations
from stager_sandbox.zone.storage import Storage

CHUNK: Final = 1 << 20
COMPRESSION: Final = {"gzipTar": "w:gz", "bzip2Tar": "w:bz2"}
ZIP: Final = "zipFile"
NO_BUNDLE: Final = -1
"""What the real server's archive library answers."""


class BundleOperations:
    """Unpacks and makes bundles."""

    def __init__(
        self, catalogue: Catalogue, storage: Storage, replicas: ReplicaOperations, collections: CollectionOperations
    ) -> None:
        self._catalogue = catalogue
        self._storage = storage
        self._replicas = replicas
        self._collections = collections

    def extract(self, user: User, path: str, collection: str, *, force: bool) -> None:
        """Register what is in a bundle as data objects of a collection, without checksums, as the real server does.

        Raises:
            ZoneError: REPLICA_NOT_IN_RESC when there is no bundle; SYS_COPY_ALREADY_IN_RESC for an object that exists,
                without `force`;
                `NO_BUNDLE` for what is none; USER_INPUT_PATH_ERR for a member that would
                leave the collection.
        """
        try:
            bundle = self._replicas.open(user, path, os.O_RDONLY)
        except ZoneError as error:
            if error.code != Code.OBJ_PATH_DOES_NOT_EXIST:
                raise
            raise ZoneError(Code.REPLICA_NOT_IN_RESC, f"{path} does not exist") from None
        try:
            self._collections.make(user, collection, recursive=True)
            for name, stream in _members(self._storage.path(bundle.replica.data_id)):
                target = paths.clean(f"{collection}/{name}")
                if stream is None:
                    self._collections.make(user, target, recursive=True)
                else:
                    self._register(user, target, stream, force=force)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            raise ZoneError(NO_BUNDLE) from error
        finally:
            self._replicas.close(bundle)

    def _register(self, user: User, path: str, stream: IO[bytes], *, force: bool) -> None:
        if self._catalogue.objects.find(path) and not force:
            raise ZoneError(Code.SYS_COPY_ALREADY_IN_RESC)
        self._collections.make(user, paths.split(path)[0], recursive=True)
        opened = self._replicas.open(user, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            while chunk := stream.read(CHUNK):
                opened.write(chunk)
        except BaseException:
            self._replicas.abandon(opened)
            raise
        self._replicas.close(opened)

    def create(self, user: User, path: str, collection: str, keywords: dict[str, str]) -> None:
        """Make a bundle of all that the user may read in a collection; names begin with the collection's own.

        Raises:
            ZoneError: USER_FILE_DOES_NOT_EXIST, OVERWRITE_WITHOUT_FORCE_FLAG, and what an opening may raise.
        """
        top = visible_collection(self._catalogue, user, paths.clean(collection))
        if top is None:
            is_object = self._catalogue.objects.find(paths.clean(collection)) is not None
            raise ZoneError(Code.OVERWRITE_WITHOUT_FORCE_FLAG if is_object else Code.USER_FILE_DOES_NOT_EXIST)
        if self._catalogue.objects.find(paths.clean(path)) and "forceFlag" not in keywords:
            raise ZoneError(Code.OVERWRITE_WITHOUT_FORCE_FLAG)
        inside = list(self._objects(user, top))
        opened = self._replicas.open(user, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, keywords=keywords)
        begin = len(paths.split(top.path)[0].rstrip("/")) + 1
        try:
            with open(opened.handle, "wb", closefd=False) as file:
                self._pack(file, keywords.get("dataType", ""), [(each, each.path[begin:]) for each in inside])
        except BaseException:
            self._replicas.abandon(opened)
            raise
        opened.wrote = True
        self._replicas.close(opened)

    def _pack(self, file: IO[bytes], kind: str, inside: list[tuple[Replica, str]]) -> None:
        if kind == ZIP:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for replica, name in inside:
                    archive.write(self._storage.path(replica.data_id), name)
            return
        with tarfile.open(fileobj=file, mode=COMPRESSION.get(kind, "w")) as tar:  # type: ignore[call-overload] # modes
            for replica, name in inside:
                with self._storage.path(replica.data_id).open("rb") as source:
                    member = tarfile.TarInfo(name)
                    member.size, member.mtime = replica.size, int(replica.modified)
                    tar.addfile(member, source)

    def _objects(self, user: User, collection: Collection) -> Iterator[Replica]:
        for replica in self._catalogue.objects.children(collection):
            try:
                yield visible_object(self._catalogue, user, replica.path, READ)
            except ZoneError:
                continue
        for child in self._catalogue.collections.children(collection.path):
            if visible_collection(self._catalogue, user, child.path):
                yield from self._objects(user, child)


def _members(bundle: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Names in a bundle, and their bytes, or None for a directory. What is neither file nor directory is left out."""
    if zipfile.is_zipfile(bundle):
        with zipfile.ZipFile(bundle) as archive:
            for entry in archive.infolist():
                yield _relative(entry.filename), None if entry.is_dir() else archive.open(entry)
        return
    with tarfile.open(bundle, "r:*") as tar:
        for member in tar:
            if member.isfile() or member.isdir():
                name = _relative(member.name)
                if name:
                    yield name, (tar.extractfile(member) or io.BytesIO()) if member.isfile() else None


def _relative(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in {"", "."})
