"""The checksum call: look up, compute, verify."""

import json

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.objects import UnrecordedError
from stager_sandbox.zone.operations.replicas import require_replica
from stager_sandbox.zone.protocol.structs import DataObjectRequest, Text
from stager_sandbox.zone.session import Session


@api_call(629, "DATA_OBJ_CHKSUM", DataObjectRequest)
def checksum(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Give the checksum, computing and recording it first if needed; or verify it, with remarks in JSON."""
    words = request.keywords
    objects, user = session.engine.objects, session.acting(words)
    require_replica(words)
    if "verifyChksum" not in words:
        try:
            return Reply(message=Text(objects.checksum(user, request.path, force="forceChksum" in words)))
        except UnrecordedError as refused:
            return Reply(refused.code, Text(refused.checksum))
    if "forceChksum" in words:
        raise ZoneError(Code.USER_INCOMPATIBLE_PARAMS)
    findings = objects.verify(user, request.path, compute="no_compute" not in words)
    if not findings:
        return Reply()
    remarks = [{"error_code": each.code, "message": each.message, "severity": each.severity} for each in findings]
    return Reply(Code.CHECK_VERIFICATION_RESULTS, Text(json.dumps(remarks, separators=(",", ":"))))
