"""Style sheets and scripts: small, compressed once, and kept by browsers until they change."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, request, url_for

from stager_ui.identity import public

STATIC = Path(__file__).parent / "static"

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    compressed: bytes
    mime_type: str


class Assets:
    """All files below static/, read at start, under one version that changes with any of them.

    The version stands in the path, so that what a script imports by a relative address has it too.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._files: dict[str, Asset] = {}
        digest = hashlib.sha256()
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            content = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            mime_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
            self._files[name] = Asset(content, gzip.compress(content, mtime=0), mime_type)
            digest.update(name.encode() + b"\0" + content)
        self.version = digest.hexdigest()[:12]

    def install(self, app: Flask) -> None:
        """Serve the files, and give templates `asset(name)` for their addresses."""
        app.extensions["stager_assets"] = self
        app.register_blueprint(blueprint)
        app.add_template_global(self.url, "asset")

    def url(self, name: str) -> str:
        """Where browsers find a file; KeyError if there is none."""
        if name not in self._files:
            raise KeyError(name)
        return url_for("assets.asset", version=self.version, name=name)

    def answer(self, version: str, name: str) -> Response:
        """The file."""
        found = self._files.get(name)
        if found is None:
            abort(404)
        compress = request.accept_encodings["gzip"] > 0 and len(found.compressed) < len(found.content)
        response = Response(found.compressed if compress else found.content, mimetype=found.mime_type)
        if compress:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if version == self.version else "no-cache"
        )
        return response


@blueprint.get("/assets/<version>/<path:name>")
@public
def asset(version: str, name: str) -> Response:
    """One file."""
    from flask import current_app

    assets: Assets = current_app.extensions["stager_assets"]
    return assets.answer(version, name)
