"""How many threads a run comes to."""

import pytest
from s_isync.ramp import Advice, Ramp


def threads(ramp: Ramp, cores: int, a_second: float, seconds: float, count: int = 0, now: float = 0.0) -> list[int]:
    """The number of threads after each task of a server with so many cores, each doing so many tasks a second."""
    seen = []
    end = now + seconds
    while now < end:
        advice = ramp.advise(now, count, helping=False, distant=False)
        if advice is not Advice.STAY:
            count += advice.value
            ramp.changed(now, count)
            continue
        now += 1 / (a_second * min(count, cores))
        ramp.done(now)
        seen.append(count)
    return seen


@pytest.mark.parametrize("a_second", [6, 25, 300])
def test_a_small_server_is_not_given_more_than_it_can_use(a_second: float) -> None:
    """Of two cores, four threads use all; a fifth is tried, and ended again."""
    seen = threads(Ramp(16), 2, a_second, 25_000 / a_second)
    assert set(seen) == {4, 5}
    assert seen.count(4) > seen.count(5)


@pytest.mark.parametrize("a_second", [6, 25, 300])
def test_a_large_server_is_given_all(a_second: float) -> None:
    """As long as each thread adds its share there is another one, and all of them stay."""
    seen = threads(Ramp(12), 64, a_second, 30_000 / a_second)
    assert seen == sorted(seen)
    assert seen[-1] == 12
    assert seen[:3] == [4, 4, 4]


def test_what_brought_nothing_is_tried_again() -> None:
    """A server that was busy with others has room later."""
    ramp = Ramp(8)
    busy = threads(ramp, 4, 50, 40)
    assert set(busy) == {4, 5}
    later = threads(ramp, 64, 50, 120, busy[-1], 40)
    assert later[-1] == 8


def test_there_are_never_more_than_were_allowed() -> None:
    """However fast, far, or many the big files."""
    for most in (1, 4, 5):
        for helping in (False, True):
            for distant in (False, True):
                assert Ramp(most).advise(100.0, most, helping=helping, distant=distant) is Advice.STAY


def test_big_files_and_distance_need_no_proof() -> None:
    """All at once for what is far away; one a second for help with a big file."""
    assert Ramp(8).advise(0.0, 5, helping=False, distant=True) is Advice.START_ONE
    ramp = Ramp(8)
    ramp.changed(10.0, 4)
    assert ramp.advise(10.5, 4, helping=True, distant=False) is Advice.STAY
    assert ramp.advise(11.0, 4, helping=True, distant=False) is Advice.START_ONE
