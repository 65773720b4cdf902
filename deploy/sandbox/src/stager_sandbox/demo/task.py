"""The task document of the README, with this machine's own paths and names in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from stager_sandbox.demo.errors import DemoError

_BLOCK = re.compile(r"```json\n(\{.*?\n\})\n```", re.DOTALL)


def readme_task(readme: Path) -> dict[str, Any]:
    """The first JSON block of the README.

    Raises:
        DemoError: There is none.
    """
    try:
        found = _BLOCK.search(readme.read_text(encoding="utf-8"))
        document = json.loads(found[1]) if found else None
    except (OSError, ValueError) as error:
        raise DemoError(f"{readme}: its task document can't be read: {error}") from error
    if not isinstance(document, dict):
        raise DemoError(f"{readme} holds no task document; run the demo in the repository's folder")
    return document
