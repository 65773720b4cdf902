"""The zone's works without any protocol: catalogue, storage, and what can be done with them."""

from collections.abc import Mapping
from pathlib import Path

from stager_sandbox.zone.catalogue import Catalogue
from stager_sandbox.zone.faults import Faults
from stager_sandbox.zone.operations import CollectionOperations, ObjectOperations, ReplicaOperations
from stager_sandbox.zone.operations.administration import Administration
from stager_sandbox.zone.operations.bundles import BundleOperations
from stager_sandbox.zone.operations.lookup import LookupOperations
from stager_sandbox.zone.operations.transfer import TransferOperations
from stager_sandbox.zone.storage import Storage


class Engine:
    """One zone on disk.

    Args:
        data: The directory that holds it; made if missing.
        zone_name: The zone's name.
        users: Names and passwords of ordinary users.
        admin: Name and password of the zone's rodsadmin; None for a zone that has one.
        collections: More collections to make, and the user who owns each.
        checksum_scheme: ``sha2`` or ``md5``, for checksums that the zone computes of its own accord.
        quotas: How many bytes users may store.
        browsable: Whether all may read the collections at the top.

    Attributes:
        faults: What goes wrong in it when told.
        catalogue: What the zone knows.
        storage: The bytes.
        replicas: Opening and closing.
        objects: Data objects.
        collections: Collections.
        transfer: Whole objects in one call.
        bundles: Unpacking and making bundles.
        administration: Users, groups and quotas.
        lookup: What a path is.
    """

    def __init__(  # noqa: PLR0913 - a zone has these settings
        self,
        data: Path,
        zone_name: str,
        users: Mapping[str, str],
        *,
        admin: tuple[str, str] | None = ("rods", "rods"),
        collections: Mapping[str, str] | None = None,
        checksum_scheme: str = "sha2",
        quotas: Mapping[str, int] | None = None,
        browsable: bool = False,
    ) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.faults = Faults()
        self.catalogue = Catalogue(
            data / "catalogue.sqlite", zone_name, admin[0] if admin else None, browsable=browsable
        )
        self.storage = Storage(data / "vault", self.faults)
        self.replicas = ReplicaOperations(self.catalogue, self.storage, self.faults, checksum_scheme)
        self.collections = CollectionOperations(self.catalogue, self.storage, self.replicas)
        self.objects = ObjectOperations(self.catalogue, self.storage, self.replicas, self.collections)
        self.transfer = TransferOperations(self.catalogue, self.replicas, self.objects)
        self.bundles = BundleOperations(self.catalogue, self.storage, self.replicas, self.collections)
        self.administration = Administration(self.catalogue)
        self.lookup = LookupOperations(self.catalogue, self.replicas)
        if admin:
            self.catalogue.ensure_users({admin[0]: admin[1]}, "rodsadmin")
        self.catalogue.ensure_users(users)
        for path, owner in (collections or {}).items():
            self.catalogue.ensure_collection(path, self.catalogue.users.find(owner))
        for name, limit in (quotas or {}).items():
            self.administration.set_quota(name, "total", str(limit))
        self.catalogue.database.close()
