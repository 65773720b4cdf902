"""The project storage's side: looking into it, as the person."""

from __future__ import annotations

from time import perf_counter

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from stager_client import InvalidRequestError, NotAllowedError, NotFoundError

from stager_ui.failures import fail
from stager_ui.listing import listing_answer
from stager_ui.paths import checked_folder
from stager_ui.services import services
from stager_ui.texts import t

blueprint = Blueprint("storage", __name__, url_prefix="/storage")


@blueprint.get("/list")
def listing() -> ResponseReturnValue:
    """What stands in a directory."""
    path = checked_folder(request.args.get("path"))
    begun = perf_counter()
    try:
        entries = list(services().api.list_directory(path))
    except NotAllowedError:
        return fail(403, "denied", t("storage.denied"))
    except NotFoundError:
        return fail(404, "not_found", t("storage.none"))
    except InvalidRequestError:
        return fail(409, "not_a_folder", t("failure.not_a_collection"))
    return listing_answer(path, entries, perf_counter() - begun)
