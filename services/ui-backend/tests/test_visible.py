"""Names that can't be seen, or that turn the text around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stager_ui.visible import visible


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("plain name.txt", "plain name.txt"),
        ("Größe 日本語 \N{GRINNING FACE}", "Größe 日本語 \N{GRINNING FACE}"),
        (" ", "␣"),
        ("  two before", "␣␣two before"),
        ("one after ", "one after␣"),
        ("a\tb\nc\0", "a␉b␊c␀"),
        ("\u202etxt.exe", "\ufffdtxt.exe"),
        ("a\u200bb\x7f", "a\ufffdb\ufffd"),
        ("\u00a0x", "\ufffdx"),
    ],
)
def test_signs(name: str, seen: str) -> None:
    """Each gets a sign; what can be seen stays."""
    assert visible(name) == seen


@given(st.text(min_size=1))
def test_always_something_to_see(name: str) -> None:
    """No name looks like none, and none has an end that can't be seen."""
    seen = visible(name)
    assert seen == seen.strip() != ""
    assert visible(seen) == seen
