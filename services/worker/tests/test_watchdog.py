"""The two deadlines, by a clock of the test's own."""

from __future__ import annotations

from stager_worker.isync_events import Totals
from stager_worker.watchdog import Watchdog


class Clock:
    """Seconds as the test says."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_zero_means_never() -> None:
    """Without deadlines nothing is ever overdue."""
    clock = Clock()
    dog = Watchdog(0, 0, clock)
    clock.now = 1e9
    assert dog.overdue() is None


def test_one_big_file_is_progress() -> None:
    """Bytes keep it alive though no file is done for hours, moved or only checksummed."""
    clock = Clock()
    dog = Watchdog(0, 3600, clock)
    for hour in range(1, 50):
        clock.now = hour * 3000.0
        dog.see(
            Totals(files_total=1, bytes_transferred=hour) if hour % 2 else Totals(files_total=1, bytes_checked=hour)
        )
        assert dog.overdue() is None
    clock.now += 3601
    overdue = dog.overdue()
    assert overdue
    assert overdue.code == "no_progress"


def test_repeating_oneself_is_no_progress() -> None:
    """Events without a change of any count don't help."""
    clock = Clock()
    dog = Watchdog(0, 10, clock)
    for second in range(12):
        clock.now = float(second)
        dog.see(Totals(files_total=5, bytes_total=100))
    assert dog.overdue()


def test_the_hard_deadline_takes_no_excuse() -> None:
    """Progress doesn't move it."""
    clock = Clock()
    dog = Watchdog(10, 10, clock)
    clock.now = 10.5
    dog.see(Totals(bytes_transferred=1))
    overdue = dog.overdue()
    assert overdue
    assert overdue.code == "timeout"


def test_bytes_that_are_taken_back_are_life() -> None:
    """A file that failed takes its bytes out of the count; moving them again is progress, though nothing grew."""
    clock = Clock()
    dog = Watchdog(0, 10, clock)
    for second, count in ((0, 500), (8, 100), (16, 500), (24, 100)):
        clock.now = float(second)
        dog.see(Totals(files_total=5, bytes_total=1000, bytes_transferred=count))
        assert dog.overdue() is None


def test_the_work_of_a_server_has_its_own_time() -> None:
    """While a checksum is computed no count changes; s-isync says how long it waits for that."""
    clock = Clock()
    dog = Watchdog(0, 10, clock)
    dog.see(Totals(bytes_transferred=5))
    for second in range(1, 100):
        clock.now = float(second)
        dog.see(Totals(bytes_transferred=5), 101.0 - second)
        assert dog.overdue() is None
    dog.see(Totals(bytes_transferred=5))
    assert dog.overdue() is None  # the answer is there, and the file about to be done
    dog.see(Totals(bytes_transferred=5, files_transferred=1))
    clock.now += 10.5
    assert dog.overdue()


def test_a_server_that_never_answers_gains_no_time_by_being_asked_again() -> None:
    """One wait, and then the usual silence, since the last sign of life."""
    clock = Clock()
    dog = Watchdog(0, 10, clock)
    dog.see(Totals(bytes_transferred=5))
    for second in range(1, 100):
        clock.now = float(second)
        dog.see(Totals(bytes_transferred=5), 50.0 - second % 50)
        assert (dog.overdue() is not None) == (second > 50)
