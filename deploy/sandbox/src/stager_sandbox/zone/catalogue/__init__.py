"""The catalogue: what the zone knows of users, collections, data objects, access and metadata, in SQLite."""

from stager_sandbox.zone.catalogue.catalogue import Catalogue

__all__ = ["Catalogue"]
