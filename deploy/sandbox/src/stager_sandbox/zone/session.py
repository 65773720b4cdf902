"""What one connection holds: who it is, how it packs, what it has open."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.engine import Engine
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.genquery import Statement
from stager_sandbox.zone.line import Line
from stager_sandbox.zone.operations import OpenReplica
from stager_sandbox.zone.protocol.packing import Dialect
from stager_sandbox.zone.protocol.structs import StartupPack
from stager_sandbox.zone.protocol.xml import XmlDialect

FIRST_DESCRIPTOR: Final = 3
LAST_DESCRIPTOR: Final = 1025
STATEMENTS: Final = 50
AS_ADMIN: Final = "irodsAdmin"


@dataclass(slots=True)
class Session:
    """One connection.

    Attributes:
        engine: The zone's works.
        line: The connection.
        startup: What the client said first.
        release: The iRODS release that the client was told.
        dialect: How structures are packed here.
        challenge: What the last login request was given to sign.
        proven: The challenge of the login that succeeded.
        signed_in: Who is logged in; None before login.
        descriptors: Openings by number.
        statements: Queries with more rows to come, by number.
    """

    engine: Engine
    line: Line
    startup: StartupPack
    release: str = ""
    dialect: Dialect = field(default_factory=XmlDialect)
    challenge: bytes = b""
    proven: bytes = b""
    signed_in: User | None = None
    descriptors: dict[int, OpenReplica] = field(default_factory=dict)
    statements: dict[int, Statement] = field(default_factory=dict)
    _spare: sqlite3.Connection | None = None

    @property
    def user(self) -> User:
        """Who asks.

        Raises:
            ZoneError: SYS_NO_API_PRIV before login.
        """
        if self.signed_in is None:
            raise ZoneError(Code.SYS_NO_API_PRIV)
        return self.signed_in

    def acting(self, keywords: Mapping[str, str]) -> User:
        """Who asks; unbound if the call's keywords say so.

        Raises:
            ZoneError: CAT_INSUFFICIENT_PRIVILEGE_LEVEL when they say so to no administrator.
        """
        if AS_ADMIN not in keywords:
            return self.user
        if not self.user.is_admin:
            raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
        return replace(self.user, unbound=True)

    def add_descriptor(self, opened: OpenReplica) -> int:
        """Number an opening; numbers are used again, lowest first."""
        for number in range(FIRST_DESCRIPTOR, LAST_DESCRIPTOR + 1):
            if number not in self.descriptors:
                self.descriptors[number] = opened
                return number
        self.engine.replicas.abandon(opened)
        raise ZoneError(Code.SYS_OUT_OF_FILE_DESC)

    def descriptor(self, number: int) -> OpenReplica:
        """The opening of that number.

        Raises:
            ZoneError: BAD_INPUT_DESC_INDEX when it is not open, SYS_FILE_DESC_OUT_OF_RANGE when it cannot be.
        """
        found = self.descriptors.get(number)
        if found is None:
            in_range = FIRST_DESCRIPTOR <= number <= LAST_DESCRIPTOR
            raise ZoneError(Code.BAD_INPUT_DESC_INDEX if in_range else Code.SYS_FILE_DESC_OUT_OF_RANGE)
        return found

    def take_descriptor(self, number: int) -> OpenReplica:
        """The opening of that number, which is free from now on.

        Raises:
            ZoneError: SYS_INVALID_INPUT_PARAM when it is not open, SYS_FILE_DESC_OUT_OF_RANGE when it cannot be.
        """
        try:
            found = self.descriptor(number)
        except ZoneError as error:
            if error.code != Code.BAD_INPUT_DESC_INDEX:
                raise
            raise ZoneError(Code.SYS_INVALID_INPUT_PARAM) from None
        del self.descriptors[number]
        return found

    def query_connection(self) -> sqlite3.Connection:
        """A connection for one query; the spare one if the last query is done with it."""
        connection, self._spare = self._spare, None
        return connection or self.engine.catalogue.database.connect()

    def finish_statement(self, statement: Statement) -> None:
        """Let go of a query, and keep its connection for the next."""
        connection = statement.release()
        if self._spare is None:
            self._spare = connection
        else:
            connection.close()

    def close(self) -> None:
        """Let go of everything, as when the client is gone: what it was writing stays stale."""
        for opened in self.descriptors.values():
            self.engine.replicas.abandon(opened)
        self.descriptors.clear()
        for statement in self.statements.values():
            statement.release().close()
        self.statements.clear()
        if self._spare is not None:
            self._spare.close()
        self.engine.catalogue.database.close()
