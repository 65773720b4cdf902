"""The progress bar of a terminal. Imported only where there is one: rich takes its time to load."""

from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from s_isync import reporter
from s_isync.errors import Problem
from s_isync.plain_lines import PlainLines


class ProgressBar:
    """A listener that shows one bar for the whole run, with failures as lines above it."""

    def __init__(self, stream: TextIO, *, each_file: bool) -> None:
        console = Console(file=stream, highlight=False, markup=False)
        self._bar = Progress(
            TextColumn("{task.fields[files]}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=None, files="scanning")
        # Lines written through the console of a live bar come out above it.
        self._lines = PlainLines(_ConsoleWriter(console), each_file=each_file, with_progress=False)

    def start(self, start: reporter.Start) -> None:
        """Begin to draw."""
        self._lines.start(start)
        self._bar.start()

    def progress(self, progress: reporter.Progress) -> None:
        """Draw how far it is."""
        totals = progress.totals
        done = totals.files_transferred + totals.files_skipped + totals.files_failed
        self._bar.update(
            self._task,
            completed=totals.bytes_transferred + totals.bytes_skipped,
            total=totals.bytes_total if totals.totals_final else None,
            files=f"{done}/{totals.files_total}{'' if totals.totals_final else '+'} files",
        )
        self._bar.refresh()

    def file(self, result: reporter.FileResult) -> None:
        """Write a line where a file failed."""
        self._lines.file(result)

    def folder(self, path: str, outcome: reporter.Outcome) -> None:
        """There is no bar in a dry run."""

    def error(self, problem: Problem) -> None:
        """Write a line."""
        self._lines.error(problem)

    def end(self, end: reporter.End) -> None:
        """Take the bar away and say how it went."""
        self._bar.stop()
        self._lines.end(end)


class _ConsoleWriter:
    """The part of a text stream that `PlainLines` uses, over a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        self._console.print(text, end="", soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """The console flushes by itself."""
