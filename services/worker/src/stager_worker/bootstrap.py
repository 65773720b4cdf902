"""Builds a slot's parts from the settings, and what the keeper needs of them as well (`housekeeping`)."""

from __future__ import annotations

from redis import Redis
from stager_jobs.rq_store.lease import Claim, Lease
from stager_jobs.rq_store.worker import TransferWorker
from stager_jobs.rules import Rules
from stager_redis import TlsFiles, connect
from stager_telemetry import configure_logging
from stager_telemetry.traces import close_traces, configure_traces

from stager_worker.keys import KeyDirectory
from stager_worker.liveness import is_dead, own_mark
from stager_worker.pool import Turn
from stager_worker.prctl import adopt_orphans
from stager_worker.processor import Processor
from stager_worker.settings import WorkerSettings
from stager_worker.stopping import Stopping
from stager_worker.tally import TallyPipe


def rules_of(settings: WorkerSettings) -> Rules:
    """The job rules that the settings say.

    Raises:
        ValueError: They would let a job run twice at once.
    """
    jobs = settings.jobs
    return Rules(
        retry_delays=jobs.retry_delays,
        active_per_owner=jobs.active_per_user,
        keep_completed=jobs.keep_completed,
        keep_failed=jobs.keep_failed,
        lease=jobs.lease,
        fence=jobs.fence,
    )


def load_keys(settings: WorkerSettings) -> KeyDirectory | None:
    """The private keys, if there are to be any.

    Raises:
        CredentialError: They can't be used.
    """
    return KeyDirectory(settings.keyring) if settings.keyring else None


def connect_to_redis(settings: WorkerSettings, name: str) -> Redis:
    """A connection; nothing is sent yet.

    Raises:
        ValueError: The address is none, or doesn't go with the files for TLS.
    """
    redis = settings.redis
    files = TlsFiles(redis.ca_file, redis.certificate, redis.key)
    return connect(redis.url.get_secret_value(), name=name, tls=files)


def serve(
    settings: WorkerSettings, keys: KeyDirectory | None, tally: TallyPipe, stopping: Stopping, turn: Turn
) -> None:
    """One slot: waits for a job and runs it, unless it is to end before."""
    configure_logging("stager-worker", level=settings.log_level, log_format=settings.log_format)
    configure_traces("stager-worker")
    adopt_orphans()
    redis = connect_to_redis(settings, "stager-worker")
    worker = TransferWorker(redis, rules_of(settings), own_mark(), is_dead=is_dead)
    processor = Processor(settings, keys, stopping, tally.tell)
    done = False

    def perform(claim: Claim, lease: Lease) -> None:
        nonlocal done
        turn.taken()
        try:
            processor.run(claim, lease)
        finally:
            done = True

    worker.serve(perform, lambda: done or stopping())
    close_traces()
    turn.done()
