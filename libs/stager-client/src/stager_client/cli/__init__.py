"""The command `stager`."""

from stager_client.cli.root import stager as main

__all__ = ["main"]
