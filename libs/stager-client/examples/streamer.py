"""A streamer: sends a folder with raw data to its project's collection and reports how it went.

python streamer.py 3010000.01 /project/3010000.01/raw/sub-01

Where the stager is and the streamer's own login come from STAGER_ADDRESS, STAGER_USER and STAGER_PASSWORD, or from
~/.config/stager/config.toml. In the repository the transfer uses a service account of the stager's workers, whose
name is in STREAMER_DR_USER; no repository password is known here. Exit code 0: everything is there and verified.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePosixPath

from stager_client import JobState, StagerClient, StagerError, state_name


def stream(client: StagerClient, project: str, folder: PurePosixPath) -> bool:
    """Send a folder and wait for the end; returns whether everything arrived."""
    collection = client.resolve_collection(project)
    task = {
        "title": f"{project}: {folder.name}",
        "srcURL": str(folder),
        "dstURL": f"irods:{collection}/raw/{folder.name}",
        "drUser": os.environ.get("STREAMER_DR_USER", "streamer"),
        "stagerUser": os.environ.get("STREAMER_STAGER_USER") or client.settings.user or "",
        "timeout_noprogress": 3600,
    }
    job = client.submit(task)
    print(f"{job.id}: {folder} -> {collection}")
    for event in client.watch([job.id]):
        job = event.job
        done = job.progress.files_transferred + job.progress.files_skipped
        print(f"{job.id}: {'deleted' if event.deleted else state_name(job.state)}, {done} files", flush=True)
    if job.state != JobState.JOB_STATE_COMPLETED:
        print(f"{job.id}: {job.last_error.message or 'did not complete'}", file=sys.stderr)
    return job.state == JobState.JOB_STATE_COMPLETED


if __name__ == "__main__":
    try:
        with StagerClient.from_environment() as stager:
            sys.exit(0 if stream(stager, sys.argv[1], PurePosixPath(sys.argv[2])) else 1)
    except StagerError as error:
        sys.exit(f"streamer: {error}" + "".join(f"\n  {violation}" for violation in error.violations))
