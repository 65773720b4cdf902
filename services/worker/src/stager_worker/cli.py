"""The `stager-worker` command."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import click
from pydantic import SecretStr
from stager_credentials import CredentialError
from stager_settings import SettingsError, load_settings
from stager_telemetry import configure_logging, get_logger

from stager_worker.bootstrap import connect_to_redis, load_keys, rules_of, serve
from stager_worker.health import fault_of_worker
from stager_worker.housekeeping import keep
from stager_worker.pool import run_pool
from stager_worker.settings import WorkerSettings
from stager_worker.tally import TallyPipe

log = get_logger(__name__)

DEFAULT_CONFIG = Path("/etc/stager/worker.yml")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="STAGER_WORKER_CONFIG",
    help="worker.yml; variables STAGER_WORKER_... win over it.",
)
@click.option("--concurrency", type=click.IntRange(1, 256), help="Transfers at once, a process each.")
@click.version_option(package_name="stager-worker")
@click.pass_context
def main(context: click.Context, config: Path | None, concurrency: int | None) -> None:
    """Take transfers from the queue and run s-isync for each, as the user who asked.

    SIGTERM ends it: running transfers get some seconds to finish, then their jobs are handed back.
    """
    context.obj = config
    if context.invoked_subcommand is None:
        _run(config, concurrency)


@main.command("health")
@click.pass_obj
def health(config: Path | None) -> None:
    """Exit with 0 if a worker of this machine lives and Redis answers, else with 1 and the reason.

    Reads /etc/stager/worker.yml where no other is named.
    """
    try:
        settings = _settings(config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None), None)
        fault = fault_of_worker(connect_to_redis(settings, "stager-worker-health"))
    except (SettingsError, ValueError) as error:
        fault = str(error)
    if fault:
        click.echo(f"stager-worker: {fault}", err=True)
        sys.exit(1)
    click.echo("ok")


def _run(config: Path | None, concurrency: int | None) -> None:
    try:
        settings = _settings(config, concurrency)
        rules_of(settings)
        connect_to_redis(settings, "stager-worker").close()
        keys = load_keys(settings)
        settings.log_directory.mkdir(parents=True, exist_ok=True)
        _check_program(settings.isync.program)
    except (SettingsError, CredentialError, ValueError, OSError) as error:
        click.echo(f"stager-worker: {error}", err=True)
        sys.exit(1)
    configure_logging("stager-worker", level=settings.log_level, log_format=settings.log_format)
    for warning in settings.warnings():
        log.warning("less safe than it could be", setting=warning)
    if os.geteuid() != 0:
        log.warning("not root: jobs of this process's own user only", uid=os.geteuid())
    log.info("worker starts", concurrency=settings.concurrency, zone=settings.dr.zone, host=settings.dr.host)
    tally = TallyPipe()
    run_pool(settings.concurrency, partial(serve, settings, keys, tally), partial(keep, settings, tally))
    log.info("worker ended")


def _settings(config: Path | None, concurrency: int | None) -> WorkerSettings:
    settings = load_settings(WorkerSettings, config, env_prefix="STAGER_WORKER_")
    changes: dict[str, object] = {}
    if url := os.environ.get("STAGER_REDIS_URL"):
        changes["redis"] = settings.redis.model_copy(update={"url": SecretStr(url)})
    if concurrency:
        changes["concurrency"] = concurrency
    return settings.model_copy(update=changes)


def _check_program(program: Path) -> None:
    if not os.access(program, os.X_OK):
        raise SettingsError(f"isync.program: {program} is missing or can't be run")
