"""The ticket call, whose arguments are the words of the iticket command."""

import socket
from dataclasses import replace

from stager_sandbox.zone.catalogue.schema import OWN
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import TicketRequest
from stager_sandbox.zone.session import Session

LOOPBACK = "127.0.0.1"
ADMIN = "irodsAdmin"


@api_call(723, "TICKET_ADMIN", TicketRequest)
def administer(session: Session, request: TicketRequest, _stream: Stream) -> Reply:
    """Show a ticket for the rest of the session; or make, change or remove one."""
    user, tickets = session.user, session.engine.catalogue.tickets
    if request.arg1 == "session":
        session.signed_in = replace(user, ticket=tickets.show(request.arg2, request.arg3 or LOOPBACK))
        return Reply()
    if request.arg1 == "create":
        kind = "write" if request.arg3.startswith("write") else "read"
        tickets.add(request.arg2, kind, user.user_id, *_target(session, request.arg4))
        return Reply()
    if ADMIN in request.keywords and not user.is_admin:
        raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    ticket_id = tickets.owned(request.arg2, None if ADMIN in request.keywords else user.user_id)
    match request.arg1, request.arg3:
        case "delete", _:
            tickets.remove(ticket_id)
        case "mod", "add" | "remove":
            name = _existing(session, request.arg4, request.arg5)
            tickets.allow(ticket_id, request.arg4, name, allowed=request.arg3 == "add")
        case "mod", _:
            tickets.limit(ticket_id, request.arg3, request.arg4)
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    return Reply()


def _existing(session: Session, kind: str, name: str) -> str:
    """A user's or a group's name that there is; a host's address.

    Raises:
        ZoneError: CAT_INVALID_USER, CAT_INVALID_GROUP, CAT_HOSTNAME_INVALID.
    """
    if kind == "host":
        try:
            return socket.gethostbyname(name)
        except OSError:
            raise ZoneError(Code.CAT_HOSTNAME_INVALID) from None
    if kind in {"user", "group"}:
        try:
            session.engine.catalogue.users.find(*name.split("#", 1))
        except ZoneError:
            raise ZoneError(Code.CAT_INVALID_USER if kind == "user" else Code.CAT_INVALID_GROUP) from None
    return name


def _target(session: Session, path: str) -> tuple[int, str]:
    """The id and kind of what a new ticket is for, which must be the user's own.

    Raises:
        ZoneError: CAT_UNKNOWN_COLLECTION, also for someone else's data object; CAT_NO_ACCESS_PERMISSION for their
            collection.
    """
    catalogue = session.engine.catalogue
    found = catalogue.objects.find(path)
    collection = None if found else catalogue.collections.find(path)
    if found is None and collection is None:
        raise ZoneError(Code.CAT_UNKNOWN_COLLECTION)
    identity = found.data_id if found else collection.collection_id if collection else 0
    if catalogue.access.level(session.user, identity) < OWN:
        raise ZoneError(Code.CAT_UNKNOWN_COLLECTION if found else Code.CAT_NO_ACCESS_PERMISSION)
    return identity, "data" if found else "collection"
