"""Runs one fuzz target with atheris until it finds a fault or time is over: python fuzz/fuzz.py TARGET SECONDS.

What was found worth keeping stands in fuzz/corpus/TARGET; an input that breaks a rule is written to fuzz/found/.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent

with atheris.instrument_imports(include=["stager_worker.isync_events", "stager_credentials", "stager_jobs.payload"]):
    sys.path.insert(0, str(HERE))
    from targets import SEEDS, TARGETS


def main() -> None:
    """Fuzz; ends with a code other than 0 if a fault was found."""
    name, seconds = sys.argv[1], sys.argv[2]
    corpus, found = HERE / "corpus" / name, HERE / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", "-max_len=70000", "-timeout=10", "-rss_limit_mb=1024", "-verbosity=1"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={found}/{name}-", str(corpus)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
