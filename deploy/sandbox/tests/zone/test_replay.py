"""Messages recorded between clients and a real iRODS 5.0.2 server, played again against the zone.

``traces/`` holds distilled recordings (see `zone_recordings`), so that the comparison always runs. A whole recording is
distilled anew and compared, too, when there is one: in the folder that the environment names in STAGER_IRODS_TRACES, or
in ``../shared/irods-traces`` beside the checkout.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from stager_sandbox.zone import Zone, ZoneError
from stager_sandbox.zone.protocol.framing import ProtocolError
from zone_player import OWNED, PASSWORDS, Player
from zone_recordings import Scenario, distil, ordered, read

HERE = Path(__file__).resolve().parent
DISTILLED = {
    "recording": HERE / "traces" / "recording.jsonl.gz",  # all that is in the recording
    "icommands": HERE / "traces" / "icommands.jsonl.gz",  # more, of icommands alone
}


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """A zone as it was before anything was recorded."""
    with Zone(PASSWORDS, data=tmp_path_factory.mktemp("zone"), collections=OWNED) as zone:
        yield Player(zone)


def differences(player: Player, scenarios: list[Scenario]) -> list[str]:
    """All that the zone answers otherwise."""
    found = []
    for scenario in scenarios:
        try:
            found += player.play(scenario)
        except (OSError, ZoneError, ProtocolError) as error:
            found.append(f"{scenario.name}: {error!r}")
    return found


@pytest.mark.parametrize(("distilled", "exchanges"), [("recording", 790), ("icommands", 260)])
def test_distilled_recording_is_answered_alike(player: Player, distilled: str, exchanges: int) -> None:
    """Type, status, structure and steady values of every reply are those of the real server."""
    scenarios = read(DISTILLED[distilled])
    assert sum(len(scenario.exchanges) for scenario in scenarios) >= exchanges
    assert differences(player, scenarios) == []


def test_recording_is_answered_alike(tmp_path: Path) -> None:
    """The same for the recording itself, every file of it."""
    named = os.environ.get("STAGER_IRODS_TRACES")
    folder = Path(named) if named else HERE.parents[4] / "shared" / "irods-traces"
    if not folder.is_dir():
        pytest.skip("there is no recording: name its folder in STAGER_IRODS_TRACES")
    scenarios = [distil(path) for path in ordered(folder)]
    assert scenarios
    assert [scenario.name for scenario in scenarios if not scenario.exchanges] == []
    with Zone(PASSWORDS, data=tmp_path, collections=OWNED) as zone:
        assert differences(Player(zone), scenarios) == []
