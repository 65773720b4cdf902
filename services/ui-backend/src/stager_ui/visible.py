"""Names as people can see them; `static/js/visible.js` does the same in the panes."""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|^\s+|\s+$")
_PICTURES: Final = 0x2400
"""Where Unicode's pictures of control characters begin."""


def visible(name: str) -> str:
    """The name, with a sign for what has no look of its own or turns the text around it: controls, spaces at its ends.

    For reading only: what is sent back is the name itself.
    """
    return _UNSEEN.sub(lambda found: "".join(map(_look, found[0])), name)


def _look(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    return "\N{OPEN BOX}" if character == " " else "\N{REPLACEMENT CHARACTER}"
