"""A YAML document together with the line on which each of its keys stands."""

from __future__ import annotations

from typing import Any

import yaml

KeyPath = tuple[str | int, ...]
"""Where a value stands in the document: keys and list positions from the top."""


class DuplicateKeyError(yaml.MarkedYAMLError):
    """A key stands twice in one mapping, so that one of its values would be dropped without a word."""


def parse_with_lines(text: str) -> tuple[Any, dict[KeyPath, int]]:
    """The document's value, and the 1-based line of every key and list item by its path.

    Raises:
        yaml.YAMLError: The text is no YAML, holds a tag of another language, or names a key twice.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        if node is None:
            return None, lines
        _collect(node, (), lines)
        return loader.construct_document(node), lines
    finally:
        loader.dispose()


def _collect(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            if here in lines:
                raise DuplicateKeyError(problem=f"the key {key.value} stands twice", problem_mark=key.start_mark)
            lines[here] = key.start_mark.line + 1
            _collect(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _collect(value, (*path, position), lines)
