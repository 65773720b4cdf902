"""Builds the keeper from the settings."""

from __future__ import annotations

from functools import partial

from stager_jobs.errors import StoreUnavailableError
from stager_jobs.rq_store import RqJobInspector
from stager_jobs.rq_store.append_only_file import AppendOnlyFile
from stager_jobs.rq_store.durability import durability_faults
from stager_jobs.rq_store.janitor import Janitor
from stager_jobs.rq_store.outbox import Outbox
from stager_telemetry import configure_logging, get_logger
from stager_telemetry.metrics import MetricsServer

from stager_worker.bootstrap import connect_to_redis, rules_of
from stager_worker.keeper import Keeper, in_background
from stager_worker.metrics import WorkerMetrics
from stager_worker.notices.postman import Postman
from stager_worker.old_files import remove_old_files
from stager_worker.settings import WorkerSettings
from stager_worker.stopping import Stopping
from stager_worker.tally import TallyPipe

log = get_logger(__name__)


def keep(settings: WorkerSettings, tally: TallyPipe, stopping: Stopping) -> None:
    """Tell people, keep house and answer Prometheus, until it is to end."""
    configure_logging("stager-worker", level=settings.log_level, log_format=settings.log_format)
    redis = connect_to_redis(settings, "stager-worker-keeper")
    inspector = RqJobInspector(redis, rules_of(settings))
    metrics = WorkerMetrics(lambda: inspector.figures().gauges())
    in_background(partial(_count, tally, metrics), "tally")
    _answer_prometheus(settings, metrics)
    postman = Postman(Outbox(redis), inspector, settings.mail, settings.webhooks, metrics.told)
    janitor = Janitor(redis)

    on_disk = AppendOnlyFile(redis)

    def sweep() -> None:
        files = remove_old_files(settings.log_directory, settings.keep_files)
        leftovers = janitor.sweep() if janitor.claim_turn(settings.sweep_every // 2) else 0
        if files or leftovers:
            log.info("swept", files=files, leftovers=leftovers)
        for fault in durability_faults(redis):
            log.warning("Redis is not set up to keep jobs", reason=fault)
        if leftovers:
            on_disk.note_wiped()
        _forget(on_disk, settings.forget_every)

    Keeper(postman.round, sweep, settings.sweep_every).run(stopping)


def _forget(on_disk: AppendOnlyFile, every: int) -> None:
    try:
        if on_disk.forget(every):
            log.info("redis writes its append-only file anew, without the passwords of jobs that ended")
    except StoreUnavailableError as error:
        log.warning("sealed passwords of jobs that ended stay in redis's append-only file", reason=str(error))


def _count(tally: TallyPipe, metrics: WorkerMetrics) -> None:
    for ended in tally.listen():
        metrics.ended(ended)


def _answer_prometheus(settings: WorkerSettings, metrics: WorkerMetrics) -> None:
    if settings.metrics.port is None:
        return
    try:
        server = MetricsServer(metrics.registry, settings.metrics.host, settings.metrics.port)
        log.info("metrics are answered", host=settings.metrics.host, port=server.port)
    except OSError as error:
        log.warning("metrics can't be answered", port=settings.metrics.port, reason=str(error))
