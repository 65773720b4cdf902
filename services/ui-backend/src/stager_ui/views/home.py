"""The first page: two panes, and what goes on."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from stager_ui.identity import person
from stager_ui.paths import BadPathError, checked_folder
from stager_ui.repository_login import account_name
from stager_ui.services import services

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def page() -> ResponseReturnValue:
    """The panes, at the folders that the address names."""
    settings = services().settings
    return render_template(
        "home.html",
        person=person(),
        page=None,
        storage_home=settings.storage.start,
        repository_home=settings.repository.start,
        storage_path=_folder("storage", settings.storage.start),
        repository_path=_folder("repository", settings.repository.start),
        repository_user=account_name(),
    )


def _folder(name: str, otherwise: str) -> str:
    try:
        return checked_folder(request.args.get(name) or otherwise)
    except BadPathError:
        return otherwise
