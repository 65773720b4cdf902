"""Waits for a server to give up those who were writing an object until now."""

import logging
import time
from collections.abc import Callable
from itertools import chain, repeat

from s_isync.errors import TransientError

_WAITS = (0.1, 0.2, 0.4, 0.8)  # seconds
_LONGER = (1.0, 10)  # seconds, and how often
_HELD = {
    "HIERARCHY_ERROR",
    "INTERMEDIATE_REPLICA_ACCESS",
    "LOCKED_DATA_OBJECT_ACCESS",
    "SYS_INTERNAL_ERR",
    "SYS_REPLICA_INACCESSIBLE",
}
_log = logging.getLogger(__name__)


def patiently(act: Callable[[], object]) -> None:
    """Do it, again if need be, for more than ten seconds where the server says that the object is open still.

    A server notices a connection that was broken off no sooner than it has written what came over it.

    Raises:
        TreeError: the last attempt's.
    """
    for count, wait in enumerate(chain(_WAITS, repeat(*_LONGER))):
        try:
            act()
        except TransientError as error:
            if count >= len(_WAITS) and error.code not in _HELD:
                raise
            _log.info("%s; trying again", error)
            time.sleep(wait)
        else:
            return
    act()
