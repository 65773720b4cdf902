"""Calls on delayed rules, of which there are none."""

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import DelayedRule
from stager_sandbox.zone.session import Session


@api_call(624, "RULE_EXEC_DEL", DelayedRule)
def delete(_session: Session, _request: DelayedRule, _stream: Stream) -> Reply:
    """Find no such rule."""
    raise ZoneError(Code.CAT_NO_ROWS_FOUND)
