"""The environment of what the demo runs."""

from __future__ import annotations

import os


def plain_environment() -> dict[str, str]:
    """This process's own, without settings of another stager, which would win over the demo's files."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STAGER_")}
