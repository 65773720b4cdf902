"""Why a notice could not be told, by what helps."""

from __future__ import annotations


class NotToldError(Exception):
    """It didn't work this time; later it may."""


class NeverToldError(Exception):
    """Trying again won't help: the address is refused, or there is nothing to tell any more."""
