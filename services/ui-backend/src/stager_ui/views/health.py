"""Whether this service can serve."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from stager_ui.identity import public
from stager_ui.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
@public
def health() -> ResponseReturnValue:
    """200 if sessions can be kept; what is beyond this service is told on the pages that need it."""
    services().redis.ping()
    return jsonify(status="ok")
