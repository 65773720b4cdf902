"""From a choice in the panes to jobs: preview, then submit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from stager_client import Job, StagerError, Task
from stager_telemetry import get_logger

from stager_ui.entries import Entry, EntryType
from stager_ui.identity import Person, person
from stager_ui.paths import last_name
from stager_ui.plan import Choice, Direction, Effect, plan
from stager_ui.reasons import Why, of_refusal
from stager_ui.repository_login import account
from stager_ui.services import services
from stager_ui.settings import Transfers
from stager_ui.webdav import Account, NoSuchCollectionError

blueprint = Blueprint("transfers", __name__, url_prefix="/transfers")
_log = get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a line.

    Attributes:
        name: What was to go.
        job_id: The job that takes it; empty if it was refused.
        refusals: Why it was refused.
    """

    name: str
    job_id: str
    refusals: tuple[Why, ...]


@blueprint.post("/preview")
def preview() -> ResponseReturnValue:
    """What a transfer of the choice would do, and the form that starts it."""
    choice = _choice()
    lines = plan(choice, *_both_folders(choice))
    return render_template(
        "transfer/preview.html",
        choice=choice,
        lines=lines,
        movable=[line for line in lines if line.effect is not Effect.BLOCKED],
        sums={effect: number for effect in Effect if (number := sum(line.effect is effect for line in lines))},
        files_known=sum(line.type is EntryType.FILE for line in lines if line.effect is not Effect.BLOCKED),
        bytes_of_files=sum(line.size for line in lines if line.effect is not Effect.BLOCKED),
        source_name=last_name(choice.source),
        # One for each preview: sent twice, by a double click or a lost answer, it makes the same jobs once.
        request_id=str(uuid.uuid4()),
        person=person(),
    )


@blueprint.post("")
def submit() -> ResponseReturnValue:
    """Submit the choice; each name is judged on its own."""
    choice = _choice()
    try:
        request_id = str(uuid.UUID(request.form.get("request_id", "")))
    except ValueError:
        abort(400)
    tasks = _tasks(choice, person(), account(), mail="mail" in request.form)
    results = services().api.caller().submit_many(tasks, request_id=request_id)
    outcomes = [_outcome(name, result) for name, result in zip(choice.names, results, strict=True)]
    _log.info("submitted", user=person().uid, jobs=sum(bool(o.job_id) for o in outcomes), tasks=len(outcomes))
    return render_template(
        "transfer/outcome.html",
        choice=choice,
        # What was refused stands first: it is what there is to do something about.
        outcomes=sorted(outcomes, key=lambda outcome: bool(outcome.job_id)),
        taken=sum(bool(o.job_id) for o in outcomes),
        refused=sum(not o.job_id for o in outcomes),
    )


def _choice() -> Choice:
    form = request.form
    try:
        return Choice.checked(form.get("direction"), form.get("source"), form.get("destination"), form.getlist("name"))
    except ValueError:
        abort(400)


def _both_folders(choice: Choice) -> tuple[list[Entry], list[Entry]]:
    api, webdav = services().api, services().webdav
    if choice.direction is Direction.UPLOAD:
        here = list(api.list_directory(choice.source))
        try:
            there = webdav.list_collection(account(), choice.destination)
        except NoSuchCollectionError:
            there = []
        return here, there
    return webdav.list_collection(account(), choice.source), list(api.list_directory(choice.destination))


def _tasks(choice: Choice, owner: Person, login: Account, *, mail: bool) -> list[Task]:
    limits: Transfers = services().settings.transfers
    return [
        Task(
            title=choice.title(name),
            dr_user=login.user,
            dr_pass=login.password,  # sealed by the client, for this owner and account
            src_url=choice.source_url(name),
            dst_url=choice.destination_url(name),
            stager_user=owner.uid,
            stager_email=owner.email if mail else "",
            timeout=limits.timeout,
            timeout_noprogress=limits.timeout_noprogress,
        )
        for name in choice.names
    ]


def _outcome(name: str, result: Job | StagerError) -> Outcome:
    if isinstance(result, StagerError):
        return Outcome(name, "", of_refusal(result))
    return Outcome(name, result.id, ())
