"""All texts that people see, in each language, from texts/*.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flask import g, request

from stager_ui.look import current_look

FOLDER = Path(__file__).parent / "texts"
DEFAULT: Final = "en"
FOR_SCRIPTS: Final = "js."
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Catalogue:
    """The texts of one language by key; where one is missing, the English one.

    A text may hold `{name}` places. A key that is asked for with `n` may have the forms `KEY_one` and `KEY_other`.
    """

    def __init__(self, language: str, texts: Mapping[str, str], fallback: Mapping[str, str]) -> None:
        self.language = language
        self._texts = {**fallback, **texts}

    def text(self, key: str, **values: object) -> str:
        """The text, with values in its places; KeyError for a key that no language has."""
        if "n" in values:
            form = f"{key}_one" if values["n"] == 1 else f"{key}_other"
            key = form if form in self._texts else key
        # In one go: a value that looks like a place, such as a folder's name, is none.
        return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), self._texts[key])

    def __contains__(self, key: str) -> bool:
        """Whether there is a text for a key, in one form or two."""
        return key in self._texts or f"{key}_other" in self._texts

    def for_scripts(self) -> dict[str, str]:
        """What the page's scripts say, by key without its `js.`."""
        return {key.removeprefix(FOR_SCRIPTS): text for key, text in self._texts.items() if key.startswith(FOR_SCRIPTS)}


def load_catalogues(folder: Path = FOLDER) -> dict[str, Catalogue]:
    """Every language that there is a file of."""
    texts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    return {language: Catalogue(language, own, texts[DEFAULT]) for language, own in texts.items()}


CATALOGUES: Final = load_catalogues()


def catalogue() -> Catalogue:
    """The texts in the language of the request: what the person chose, else what the browser asks for."""
    if "catalogue" not in g:
        chosen = current_look().language
        if chosen not in CATALOGUES:
            chosen = request.accept_languages.best_match(CATALOGUES) or DEFAULT
        g.catalogue = CATALOGUES[chosen]
    found: Catalogue = g.catalogue
    return found


def t(key: str, **values: object) -> str:
    """The text of a key in the language of the request."""
    return catalogue().text(key, **values)
