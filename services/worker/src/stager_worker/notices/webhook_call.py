"""Tells a program of a job by an HTTP POST."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
from urllib.parse import urlsplit

from stager_jobs.job import Job
from stager_jobs.rq_store.outbox import Notice

from stager_worker.notices.errors import NeverToldError, NotToldError
from stager_worker.settings import Webhook

_SECONDS = 15.0
_GONE = 410


class WebhookCall:
    """Requests to one address; redirects are not followed.

    Raises:
        OSError: The file of authorities can't be used.
    """

    def __init__(self, settings: Webhook) -> None:
        self._settings = settings
        self._parts = urlsplit(settings.url)
        self._context = ssl.create_default_context(cafile=settings.ca_file)

    def send(self, notice: Notice, job: Job) -> None:
        """Make the request.

        Raises:
            NeverToldError: The address says that it is gone for good.
            NotToldError: Any other answer than 2xx, or none.
        """
        body = json.dumps(_document(notice, job)).encode()
        headers = {"Content-Type": "application/json", "X-Stager-Delivery": notice.name.replace(" ", "-")}
        secret = self._settings.secret.get_secret_value()
        if secret:
            headers["X-Stager-Signature"] = f"sha256={hmac.digest(secret.encode(), body, hashlib.sha256).hex()}"
        try:
            status = self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise NotToldError(f"{self._parts.hostname} can't be reached: {type(error).__name__}: {error}") from error
        if status == _GONE:
            raise NeverToldError(f"{self._parts.hostname} answers that this address is gone")
        if not 200 <= status < 300:
            raise NotToldError(f"{self._parts.hostname} answers {status}")

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        parts = self._parts
        host = parts.hostname or ""
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS, context=self._context)
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
        try:
            target = parts.path or "/"
            connection.request("POST", f"{target}?{parts.query}" if parts.query else target, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


def _document(notice: Notice, job: Job) -> dict[str, object]:
    attempt = next((attempt for attempt in job.attempts if attempt.number == notice.attempt), None)
    error = attempt.error if attempt else None
    progress = attempt.progress if attempt else job.progress
    return {
        "event": notice.kind.value,
        "job": job.id,
        "title": job.task.title,
        "stagerUser": job.owner,
        "srcURL": job.task.src_url,
        "dstURL": job.task.dst_url,
        "attempt": notice.attempt,
        "ended": attempt.ended.isoformat() if attempt and attempt.ended else None,
        "error": {"class": error.error_class.value, "code": error.code, "message": error.message} if error else None,
        "files": {
            "total": progress.files_total,
            "transferred": progress.files_transferred,
            "skipped": progress.files_skipped,
            "failed": progress.files_failed,
        },
        "bytes": {"total": progress.bytes_total, "transferred": progress.bytes_transferred},
    }
