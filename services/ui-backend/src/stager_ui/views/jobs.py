"""The person's jobs: the list, one job, and what can be done to them."""

from __future__ import annotations

from flask import Blueprint, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from stager_client import NotAllowedError, NotFoundError, StagerClient, StagerError, WrongStateError

from stager_ui.failures import SCRIPT_HEADER, fail, refusal
from stager_ui.identity import person
from stager_ui.job_list import Order, Wanted, find_jobs, latest_jobs
from stager_ui.job_view import STATES, JobView, moment
from stager_ui.repository_login import account, account_name
from stager_ui.services import services
from stager_ui.texts import t

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")

RECENT = 4
MAX_AT_ONCE = 200


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The list; for a script that asks again, the list's part of the page alone."""
    given = {name: request.args.get(name, "") for name in ("state", "search", "order", "page")}
    try:
        wanted = Wanted.checked(**given)
    except ValueError:
        abort(400)
    page = find_jobs(services().api.caller(), wanted)
    template = "jobs/list.html" if SCRIPT_HEADER in request.headers else "jobs/index.html"
    return render_template(template, page=page, states=list(STATES.values()), orders=list(Order), person=person())


@blueprint.get("/recent")
def recent() -> ResponseReturnValue:
    """The jobs that run and the newest ones, for below the panes."""
    return render_template("jobs/recent.html", page=latest_jobs(services().api.caller(), RECENT))


@blueprint.get("/<job_id>")
def show(job_id: str) -> ResponseReturnValue:
    """One job; for a script that asks again, its part of the page alone."""
    try:
        job = JobView.of(services().api.caller().get(job_id))
    except NotFoundError:
        abort(404)
    template = "jobs/job.html" if SCRIPT_HEADER in request.headers else "jobs/show.html"
    return render_template(template, job=job, moment=moment, person=person())


@blueprint.post("/<any(stop, restart, delete):action>")
def act(action: str) -> ResponseReturnValue:
    """Stop, restart or delete the jobs that the form names, each on its own; says which of them couldn't be."""
    ids = list(dict.fromkeys(request.form.getlist("id")))
    if not 0 < len(ids) <= MAX_AT_ONCE:
        abort(400)
    if action == "restart" and account_name() is None:
        return fail(403, "repository_login", t("jobs.sign_in_first"))
    api = services().api.caller()
    refused = []
    done = 0
    for job_id in ids:
        try:
            _act(api, action, job_id)
            done += 1
        except (WrongStateError, NotFoundError, NotAllowedError) as error:
            refused.append({"id": job_id, "message": _reason(error)})
    return jsonify(done=done, refused=refused, message=t(f"jobs.done_{action}", n=done) if done else "")


def _act(api: StagerClient, action: str, job_id: str) -> None:
    if action == "stop":
        api.stop(job_id)
    elif action == "delete":
        api.delete(job_id)
    else:
        login = account()
        if login.user != api.get(job_id).task.dr_user:
            raise WrongStateError(t("jobs.other_account"))
        api.restart(job_id, password=login.password)


def _reason(error: StagerError) -> str:
    return t("failure.not_found") if isinstance(error, NotFoundError) else refusal(error)
