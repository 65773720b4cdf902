"""What the process's exit code says; the table of docs/isync-protocol.md."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a run ended. The lower-case name is the one that events carry."""

    COMPLETE = 0
    INTERNAL = 1
    USAGE = 2
    PARTIAL = 3
    UNREACHABLE = 4
    DIFFERS = 5
    NOTHING_DONE = 9
    LOGIN_REFUSED = 10
    NO_PERMISSION = 11
    NO_SOURCE = 12
    NO_SPACE = 13
    BAD_DESTINATION = 14
    BAD_CONFIGURATION = 15
    INTERRUPTED = 130

    @property
    def label(self) -> str:
        """The name in events, such as `login_refused`."""
        return self.name.lower()
