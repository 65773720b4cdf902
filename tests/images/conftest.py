"""Tests of the images and of the stack that is made of them; `make test-images` runs them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from container_stack import Stack


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say what these tests are, and leave them out where nobody has built the images for them."""
    asked_for = "images" in config.getoption("markexpr")
    for item in items:
        if Path(item.path).parent != Path(__file__).parent:
            continue
        item.add_marker(pytest.mark.images)
        item.add_marker(pytest.mark.xdist_group("images"))
        if not asked_for:
            item.add_marker(pytest.mark.skip(reason="needs container images: `make test-images`"))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole stager with all that it talks to."""
    with Stack("stagersandbox", sandbox=True) as running:
        yield running
