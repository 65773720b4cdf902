"""Choosing how pages look."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as WerkzeugResponse

from stager_ui.identity import public
from stager_ui.look import current_look, remember_look
from stager_ui.paths import local_address
from stager_ui.services import services

blueprint = Blueprint("look", __name__)


@blueprint.post("/look")
@public
def choose() -> ResponseReturnValue:
    """Change language or colours, and go back to the page.

    Asks for no CSRF token: people who haven't signed in have none, and there is nothing in it to be gained.
    """
    look = current_look().changed(language=request.form.get("language"), theme=request.form.get("theme"))
    answer: WerkzeugResponse = redirect(local_address(request.form.get("next")), 303)
    remember_look(answer, look, secure=services().settings.secure)
    return answer
