"""`stager submit`."""

from __future__ import annotations

from typing import Any

import click
from stager.v1 import job_pb2

from stager_client.cli.exit_codes import ExitCode, of_error
from stager_client.cli.follow import follow
from stager_client.cli.json_form import error_json, to_json
from stager_client.cli.session import Session, connected
from stager_client.cli.task_file import judge, read_document
from stager_client.cli.text import printable
from stager_client.errors import InvalidRequestError, StagerError
from stager_client.job_states import PRIORITY_NAMES


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--priority", type=click.Choice(PRIORITY_NAMES), help="Which queue.  [default: default]")
@click.option("--request-id", metavar="TEXT", help="Submitting again with the same text makes no second job.")
@click.option("--check", is_flag=True, help="Only say whether the tasks are in order.")
@click.option("--watch", "-w", is_flag=True, help="Follow the jobs until they end.")
@connected
def submit(  # noqa: PLR0913 - an argument for each option
    session: Session, file: str, priority: str | None, request_id: str | None, *, check: bool, watch: bool
) -> ExitCode:
    """Submit the tasks of a JSON document (`-`: standard input).

    The document is a task, an array of tasks, or {"jobs": [...]}. Keys of a task: title, drUser, drPass, srcURL,
    dstURL, stagerUser, stagerEmail, timeout, timeout_noprogress. A clear drPass is sealed before it leaves. If
    anything is wrong with any task, every fault is printed and nothing is submitted.
    """
    tasks = read_document(file)
    if check or len(tasks) > 1 or tasks[0].faults:
        judge(session.client, tasks)
    if check:
        session.show({"valid": True, "tasks": len(tasks)}, f"in order: {len(tasks)}")
        return ExitCode.OK
    outcomes: list[job_pb2.Job | StagerError]
    if len(tasks) == 1:
        outcomes = [session.client.submit(tasks[0].task, priority=priority, request_id=request_id)]
    else:
        documents = [read.task for read in tasks]
        outcomes = session.client.submit_many(documents, priority=priority, request_id=request_id)
    return _tell(session, outcomes, watch=watch)


def _tell(session: Session, outcomes: list[job_pb2.Job | StagerError], *, watch: bool) -> ExitCode:
    """Say what became of each task, and follow the jobs if that is wanted."""
    code = ExitCode.OK
    results: list[dict[str, Any]] = []
    ids = []
    for number, outcome in enumerate(outcomes, start=1):
        if isinstance(outcome, StagerError):
            code = code or of_error(outcome)
            results.append({"error": error_json(outcome)})
            session.complain(
                InvalidRequestError(f"task {number} was not submitted: {outcome}", violations=outcome.violations)
            )
        else:
            ids.append(outcome.id)
            results.append({"job": to_json(outcome)})
            if not session.as_json:
                click.echo(f"submitted {outcome.id} {printable(outcome.task.title)}")
    if watch and ids:
        return follow(session, ids) or code
    if session.as_json:
        session.show(results[0]["job"] if len(results) == 1 else {"results": results}, "")
    return code
