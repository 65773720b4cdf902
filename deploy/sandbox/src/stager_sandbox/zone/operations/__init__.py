"""What can be done in the zone, by a user and with all the checks, whichever protocol asks for it."""

from stager_sandbox.zone.operations.collections import CollectionOperations
from stager_sandbox.zone.operations.objects import ObjectOperations
from stager_sandbox.zone.operations.replicas import OpenReplica, ReplicaOperations

__all__ = ["CollectionOperations", "ObjectOperations", "OpenReplica", "ReplicaOperations"]
