"""How pages look to a browser: language and colours, kept in a cookie of their own, longer than any session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from flask import request
from werkzeug.wrappers import Response

THEMES: Final = ("system", "light", "dark")
COOKIE: Final = "stager-look"
SECONDS: Final = 365 * 24 * 3600


@dataclass(frozen=True)
class Look:
    """What somebody chose.

    Attributes:
        language: Of the pages; empty: what the browser asks for.
        theme: One of `THEMES`; `system` is what the browser asks for.
    """

    language: str = ""
    theme: str = "system"

    def changed(self, *, language: str | None, theme: str | None) -> Look:
        """With what is given and can be."""
        fresh = replace(self, language=language) if language and language.isalpha() else self
        return replace(fresh, theme=theme) if theme in THEMES else fresh


def current_look() -> Look:
    """Of the browser at hand."""
    language, _, theme = request.cookies.get(COOKIE, "").partition(".")
    return Look().changed(language=language[:8], theme=theme)


def remember_look(response: Response, look: Look, *, secure: bool) -> None:
    """Have the browser keep it."""
    value = f"{look.language}.{look.theme}"
    response.set_cookie(COOKIE, value, max_age=SECONDS, secure=secure, httponly=True, samesite="Lax")
