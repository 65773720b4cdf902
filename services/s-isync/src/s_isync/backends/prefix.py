"""How much of a file is there from its beginning, when its ranges come in any order."""


class Prefix:
    """Counts the bytes up to the first gap. Not for several threads at once.

    Args:
        end: bytes at the beginning that are there already.
    """

    def __init__(self, end: int = 0) -> None:
        self.end = end
        self._beyond: dict[int, int] = {}

    def add(self, offset: int, count: int) -> None:
        """A range is there."""
        self._beyond[offset] = count
        while (length := self._beyond.pop(self.end, None)) is not None:
            self.end += length
