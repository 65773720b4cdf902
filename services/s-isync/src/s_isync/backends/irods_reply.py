"""A server's answer, and how values are taken out of it.

Names in the catalogue may hold what no XML may (control characters, bytes that are no UTF-8), and an XML parser would
turn a carriage return into a line feed. The protocol's elements are flat and escape `<`, so values are cut out as
they stand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from s_isync.backends.irods_errors import zone_error
from s_isync.errors import TransientError, TreeError

_COLUMN = re.compile(rb"<SqlResult_PI>\s*<attriInx>(\d+)</attriInx>(.*?)</SqlResult_PI>", re.DOTALL)
_VALUE = re.compile(rb"<value>(.*?)</value>", re.DOTALL)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))  # `&amp;` goes last


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer: `status` is negative for an error, else what the API says it is."""

    status: int
    message: bytes | None
    error: bytes | None
    data: bytes | memoryview | None

    def value(self, element: str) -> str | None:
        """The text of the first element of this name in the message."""
        return _first(element, self.message)

    def rows(self) -> list[tuple[str, ...]]:
        """The rows of a GenQuery answer, its columns in the order in which they were selected."""
        columns = [
            [_text(value) for value in _VALUE.findall(body)]
            for number, body in _COLUMN.findall(self.message or b"")
            if number != b"0"  # the structure is padded with empty columns
        ]
        if len({len(column) for column in columns}) > 1:
            raise TransientError("BAD_ANSWER", "the zone's answer to a query has columns of different lengths")
        return list(zip(*columns, strict=True))

    def failure(self) -> TreeError:
        """The error that a negative status stands for."""
        return zone_error(self.status, _first("msg", self.error))


def check(replies: Iterable[Reply]) -> None:
    """Raise the first failure among answers that came together.

    Raises:
        TreeError: what the server says of it.
    """
    for reply in replies:
        if reply.status < 0:
            raise reply.failure()


def counted(replies: Sequence[Reply]) -> int:
    """The bytes that reads or writes have moved together; raises as `check`."""
    check(replies)
    return sum(reply.status for reply in replies)


def _first(element: str, message: bytes | None) -> str | None:
    found = re.search(rb"<%b>(.*?)</%b>" % ((element.encode(),) * 2), message or b"", re.DOTALL)
    return None if found is None else _text(found[1])


def _text(raw: bytes) -> str:
    text = raw.decode("utf-8", "surrogateescape")
    if "&" in text:
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    return text
