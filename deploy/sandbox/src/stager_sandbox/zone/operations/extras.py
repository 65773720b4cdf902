"""AVUs and grants that come with the bytes of a data object, in its keywords."""

from collections.abc import Mapping

from stager_sandbox.zone.catalogue import Catalogue
from stager_sandbox.zone.catalogue.access import level_named
from stager_sandbox.zone.catalogue.metadata import Avu
from stager_sandbox.zone.errors import Code, ZoneError


def require_extras(keywords: Mapping[str, str]) -> None:
    """Refuse what is not written as AVUs and grants are.

    Raises:
        ZoneError: SYS_BAD_INPUT.
    """
    _triples(keywords.get("metadataIncluded", ""))
    _pairs(keywords.get("aclIncluded", ""))


def add_extras(catalogue: Catalogue, data_id: int, keywords: Mapping[str, str]) -> None:
    """Give a data object what came with it.

    Raises:
        ZoneError: SYS_INVALID_INPUT_PARAM for an empty attribute or value, and what a grant may raise.
    """
    for avu in _triples(keywords.get("metadataIncluded", "")):
        if not (avu[0] and avu[1]):
            raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
        if avu not in catalogue.metadata.of(data_id):
            catalogue.metadata.add(data_id, avu)
    for level, name in _pairs(keywords.get("aclIncluded", "")):
        whom = catalogue.users.find(*name.split("#", 1))
        catalogue.access.grant(data_id, whom.user_id, level_named(level))


def _triples(packed: str) -> list[Avu]:
    """AVUs as clients pack them: ``attribute;value;unit;attribute;value;unit``; the last may want its unit."""
    words = _split(packed, ";")
    words += [""] * (len(words) % 3 == 2)
    if len(words) % 3:
        raise ZoneError(Code.SYS_BAD_INPUT)
    return [(words[i], words[i + 1], words[i + 2]) for i in range(0, len(words), 3)]


def _pairs(packed: str) -> list[tuple[str, str]]:
    """Grants as clients pack them: ``level user;level user#zone``."""
    grants = [_split(grant, " ") for grant in packed.split(";") if grant]
    if any(len(grant) != 2 for grant in grants):
        raise ZoneError(Code.SYS_BAD_INPUT)
    return [(level, name) for level, name in grants]


def _split(packed: str, at: str) -> list[str]:
    """The words between separators; what follows a backslash is as it is, and an empty last word is none."""
    words = [""]
    characters = iter(packed)
    for character in characters:
        if character == "\\":
            words[-1] += next(characters, "")
        elif character == at:
            words.append("")
        else:
            words[-1] += character
    return words if words[-1] else words[:-1]
