"""A zone as a process of its own, started by the sandbox: `python -m stager_sandbox.zone_process`.

Its settings are those of `Zone`, as a JSON object on stdin, so that no list of processes shows its passwords. It prints
`ready HOST:PORT` and ends on SIGTERM.
"""

from __future__ import annotations

import json
import logging
import signal
import sys

from stager_sandbox.zone import Zone


def main() -> int:
    """Run the zone until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s zone %(levelname)s %(message)s")
    settings = json.load(sys.stdin)
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)  # before any thread starts, so that all of them leave it to us
    try:
        with Zone(**settings) as zone:
            sys.stdout.write(f"ready {zone.host}:{zone.port}\n")
            sys.stdout.flush()
            signal.sigwait(stop)
    except OSError as error:
        logging.getLogger(__name__).error("the zone can't listen: %s", error)  # noqa: TRY400 - a sentence says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
