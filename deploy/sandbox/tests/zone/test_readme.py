"""The README's table of calls."""

import re
from importlib.resources import files

from stager_sandbox.zone import calls, dispatch


def test_table_lists_every_call_and_no_other() -> None:
    """Number and name of each call answered stand in the table."""
    assert calls.__all__
    text = files("stager_sandbox.zone").joinpath("README.md").read_text(encoding="utf-8")
    listed = {(int(number), name) for number, name in re.findall(r"^\| (\d+) \| (\w+) \|", text, re.MULTILINE)}
    assert listed == {(call.number, call.name) for call in dispatch.CALLS.values()}
