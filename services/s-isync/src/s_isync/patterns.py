"""rsync's patterns as regular expressions, down to their corners.

`*` and `?` stay within one name, two stars or more do not; `[...]` is a set, with ranges and classes such as
`[:digit:]`, negated by `!` or `^`; a backslash takes the next character for itself. In a pattern without `*`, `?` or
`[` everything, a backslash too, stands for itself. A set that isn't closed matches nothing.
"""

import re

_WILD = re.compile(r"[*?[]")
_ANYWHERE = re.compile(r"\*{2,}/")
_SET = re.compile(r"\[(?P<not>[!^]?)(?P<members>\]?(?:\[:\w*:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_MEMBER = re.compile(r"\[:(?P<class>\w*):\]|\\?(?P<first>.)(?:-(?!$)\\?(?P<last>.))?", re.DOTALL)
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"!-~",
    "lower": "a-z",
    "print": r" -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_NOTHING = "(?!)"


def expression(pattern: str) -> str:
    """What matches the same paths, held against all of a path relative to the root.

    Args:
        pattern: without a slash at its end; one at its beginning ties it to the root, else it may begin at any name.
    """
    core = pattern.removeprefix("/")
    if not _WILD.search(pattern):
        found = re.escape(core)
    elif below := _ANYWHERE.match(pattern):
        found = _translate(pattern[below.end() :])
    else:
        found = _translate(core)
    return found if pattern.startswith("/") else f"(?:.*/)?{found}"


def _translate(pattern: str) -> str:
    found, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        taken = 1
        if character == "*":
            taken = len(pattern[at:]) - len(pattern[at:].lstrip("*"))
            found.append(".*" if taken > 1 else "[^/]*")
        elif character == "?":
            found.append("[^/]")
        elif character == "[":
            closed = _SET.match(pattern, at)
            if closed is None:
                return _NOTHING
            taken = closed.end() - at
            found.append(_set(closed["members"], negated=bool(closed["not"])))
        elif character == "\\" and at + 1 < len(pattern):
            taken = 2
            found.append(re.escape(pattern[at + 1]))
        else:
            found.append(re.escape(character))
        at += taken
    return "".join(found)


def _set(members: str, *, negated: bool) -> str:
    """One character of a set; a slash never is."""
    parts = []
    for member in _MEMBER.finditer(members):
        if member["class"] is not None:
            if member["class"] not in _CLASSES:
                return _NOTHING
            parts.append(_CLASSES[member["class"]])
        elif member["last"] is None:
            parts.append(re.escape(member["first"]))
        elif member["first"] <= member["last"]:
            parts.append(f"{re.escape(member['first'])}-{re.escape(member['last'])}")
    if not parts:
        return "[^/]" if negated else _NOTHING
    return f"(?!/)[{'^' if negated else ''}{''.join(parts)}]"
