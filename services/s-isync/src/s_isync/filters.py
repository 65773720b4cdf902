"""Which names of a tree take part: `--include`, `--exclude` and `--files-from`.

A pattern is rsync's (`patterns`): a `/` at its end makes it match folders alone, one at its beginning ties it to the
root; `folder/***` is the folder and all in it. The first pattern that matches decides; what none matches takes part.
Nothing below an excluded folder does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from s_isync.patterns import expression


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern, and whether what it matches takes part.

    `with_slash` says that a folder is held against it with a slash at its end, too.
    """

    include: bool
    folders_only: bool
    expression: re.Pattern[str]
    with_slash: bool = False

    def matches(self, path: str, *, folder: bool) -> bool:
        """Whether it speaks of this entry."""
        if not folder:
            return not self.folders_only and self.expression.fullmatch(path) is not None
        return self.expression.fullmatch(path + "/" if self.with_slash else path) is not None


@dataclass(frozen=True, slots=True)
class Filter:
    """The choice of a run.

    Attributes:
        rules: in the order in which they were given.
        listed: the paths of `--files-from`: each takes part, with all below it; None where everything does.
    """

    rules: tuple[Rule, ...] = ()
    listed: frozenset[str] | None = None
    _above: frozenset[str] = field(default=frozenset())

    @property
    def selects(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.rules) or self.listed is not None

    def wants(self, path: str, *, folder: bool) -> bool:
        """Whether an entry takes part, given that the folders above it do."""
        if self.listed is not None and not self._is_listed(path, self.listed, folder=folder):
            return False
        for rule in self.rules:
            if rule.matches(path, folder=folder):
                return rule.include
        return True

    def _is_listed(self, path: str, listed: frozenset[str], *, folder: bool) -> bool:
        if path in listed or (folder and path in self._above):
            return True
        end = path.find("/")
        while end >= 0:
            if path[:end] in listed:
                return True
            end = path.find("/", end + 1)
        return False


def rule(pattern: str, *, include: bool) -> Rule:
    """Read a pattern.

    Raises:
        ValueError: with a sentence for the person who typed it.
    """
    core = pattern[:-1] if len(pattern) > 1 and pattern.endswith("/") else pattern
    if not core.strip("/"):
        raise ValueError(f"'{pattern}': names nothing")
    compiled = re.compile(expression(core), re.DOTALL)
    return Rule(include, core != pattern, compiled, with_slash=core.endswith("***"))


def listed(names: Iterable[str], rules: tuple[Rule, ...] = ()) -> Filter:
    """A filter that takes these paths, relative to the source, and what is below them.

    Raises:
        ValueError: one of them leads out of the source.
    """
    paths: set[str] = set()
    above: set[str] = set()
    for name in names:
        parts = [part for part in name.split("/") if part not in {"", "."}]
        if ".." in parts or name.startswith("/"):
            raise ValueError(f"'{name}': a listed path is relative to the source and has no '..'")
        if not parts:
            continue
        paths.add("/".join(parts))
        above.update("/".join(parts[:length]) for length in range(1, len(parts)))
    return Filter(rules, frozenset(paths), frozenset(above))
