"""How far a run has come; the totals of docs/isync-protocol.md."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Totals:
    """Counts of files and bytes. `bytes_transferred` includes running files, and falls when an attempt fails."""

    files_total: int = 0
    bytes_total: int = 0
    totals_final: bool = False
    files_transferred: int = 0
    bytes_transferred: int = 0
    files_skipped: int = 0
    bytes_skipped: int = 0
    files_failed: int = 0
    files_deleted: int = 0
    bytes_checked: int = 0
    scan_errors: int = 0

    def as_json(self) -> dict[str, object]:
        """The keys that `progress` and `end` events carry."""
        return asdict(self)

    @property
    def complete(self) -> bool:
        """Whether everything that the source holds is at the destination."""
        return (
            self.totals_final
            and not self.scan_errors
            and self.files_total == self.files_transferred + self.files_skipped
        )
