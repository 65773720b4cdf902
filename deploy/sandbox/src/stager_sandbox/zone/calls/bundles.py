"""Calls on bundles, the ibun command's."""

from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import BundleRequest
from stager_sandbox.zone.session import Session


@api_call(665, "STRUCT_FILE_EXT_AND_REG", BundleRequest)
def extract(session: Session, request: BundleRequest, _stream: Stream) -> Reply:
    """Unpack a bundle into a collection."""
    if request.keywords.get("destRescName", RESOURCE) != RESOURCE:
        named = request.keywords["destRescName"]
        raise ZoneError(Code.SYS_RESC_DOES_NOT_EXIST, f"{request.path} resource does not exist [{named}]")
    force = "forceFlag" in request.keywords
    session.engine.bundles.extract(session.user, request.path, request.collection, force=force)
    return Reply()


@api_call(666, "STRUCT_FILE_BUNDLE", BundleRequest)
def create(session: Session, request: BundleRequest, _stream: Stream) -> Reply:
    """Make a bundle of a collection."""
    session.engine.bundles.create(session.user, request.path, request.collection, request.keywords)
    return Reply()
