"""GenQuery: conditions on numbered columns become SQL on the catalogue."""

from stager_sandbox.zone.genquery.statement import Statement, start

__all__ = ["Statement", "start"]
