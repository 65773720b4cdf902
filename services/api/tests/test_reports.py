"""GetReport and GetLog: the fate of each file, from the workers' directory or from the queue's record."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_harness import JAN, PIET, SECONDS, Api, MakeTask, RedisServer, code, refused, start_api, violations
from grpc import StatusCode
from redis import Redis
from stager.v1 import job_service_pb2 as pb
from stager_jobs.job import ErrorClass, FileFault, JobError, Progress
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Mark, Verdict
from stager_jobs.rules import Rules


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workers' log directory."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def own_api(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], redis_server: RedisServer, logs: Path
) -> Iterator[Api]:
    """A service that sees that directory."""
    changed = {**settings, "jobs": {"log_directory": str(logs)}, "metrics": {"port": 0}}
    api = start_api(tmp_path_factory.mktemp("api"), changed, redis_server.url)
    yield api
    assert api.stop() == 0


@pytest.fixture
def job_id(own_api: Api, redis: Redis, task: MakeTask) -> str:
    """A job of jan's."""
    assert redis
    return own_api.jobs.Submit(pb.SubmitRequest(task=task()), metadata=JAN, timeout=SECONDS).job.id


def report(api: Api, job_id: str, metadata: list[tuple[str, str]] = JAN, **more: Any) -> pb.GetReportResponse:  # noqa: ANN401
    """A page of it."""
    return api.jobs.GetReport(pb.GetReportRequest(id=job_id, **more), metadata=metadata, timeout=SECONDS)


def line(path: str, outcome: str, **more: object) -> str:
    """As a worker writes it."""
    return json.dumps({"attempt": 1, "path": path, "outcome": outcome, **more}, ensure_ascii=False) + "\n"


def test_every_file_is_listed_page_by_page(own_api: Api, job_id: str, logs: Path) -> None:
    """In order, each once; a filter leaves out the others; garbage and a line half written are passed over."""
    outcomes = ["transferred", "skipped", "failed", "deleted", "error"]
    lines = [line(f"f{number}", outcomes[number % 5], bytes=number, checksum="sha2:x") for number in range(1000)]
    lines[500:500] = ["no json\n", "[]\n", line("odd", "exploded"), "\n", '{"outcome": ["failed"]}\n']
    (logs / f"{job_id}.report.jsonl").write_text("".join(lines) + '{"attempt": 1, "path": "half')
    found: list[pb.FileReport] = []
    token = ""
    while True:
        page = report(own_api, job_id, page_size=300, page_token=token)
        assert page.complete
        found += page.files
        token = page.next_page_token
        if not token:
            break
    assert [file.path for file in found] == [f"f{number}" for number in range(1000)]
    assert found[2] == pb.FileReport(attempt=1, path="f2", outcome=pb.FILE_OUTCOME_FAILED, bytes=2, checksum="sha2:x")
    failed = report(own_api, job_id, outcomes=[pb.FILE_OUTCOME_FAILED, pb.FILE_OUTCOME_ERROR], page_size=1000)
    assert [file.path for file in failed.files] == [f"f{n}" for n in range(1000) if n % 5 in {2, 4}]


def test_rare_outcomes_in_a_huge_report_are_found_in_short_pages(own_api: Api, job_id: str, logs: Path) -> None:
    """No page reads more than some megabytes; all of it is read in the end."""
    with (logs / f"{job_id}.report.jsonl").open("w") as file:
        for number in range(200_000):
            file.write(
                line(f"some/longer/path/to/a/file/of/a/series/{number}", "transferred", checksum="sha2:" + "x" * 40)
            )
        file.write(line("the one", "failed", code="checksum_mismatch", message="differs"))
    pages, found, token = 0, [], ""
    while pages < 20:
        page = report(own_api, job_id, outcomes=[pb.FILE_OUTCOME_FAILED], page_token=token)
        pages, token = pages + 1, page.next_page_token
        found += page.files
        if not token:
            break
    assert [(file.path, file.code) for file in found] == [("the one", "checksum_mismatch")]
    assert 1 < pages < 20


def test_without_the_workers_directory_the_newest_failures_are_told(
    running_api: Api, job_id: str, redis: Redis
) -> None:
    """Not complete, in pages, and where an admin finds the rest."""
    claims = Claims(redis, Rules(), "w1", Mark())
    claim = claims.claim(QUEUES)
    assert claim
    lease = claims.lease(claim)
    lease.update(Progress(files_total=30, files_transferred=5, files_failed=25))
    for number in range(25):
        lease.fault(FileFault(f"f{number}", "no_permission", "may not"))
    lease.finish(Verdict.FAIL, JobError(ErrorClass.PARTIAL, "partial", "25 files failed"))
    first = report(running_api, job_id, page_size=20)
    rest = report(running_api, job_id, page_size=20, page_token=first.next_page_token)
    assert [file.path for file in [*first.files, *rest.files]] == [f"f{number}" for number in range(25)]
    assert (first.complete, first.faults_total, rest.next_page_token) == (False, 25, "")
    assert first.files[0] == pb.FileReport(
        attempt=1, path="f0", outcome=pb.FILE_OUTCOME_FAILED, code="no_permission", message="may not"
    )
    assert not report(running_api, job_id, outcomes=[pb.FILE_OUTCOME_SKIPPED]).files
    log = pb.GetLogRequest(id=job_id)
    assert code(lambda: running_api.jobs.GetLog(log, metadata=JAN, timeout=SECONDS)) is StatusCode.FAILED_PRECONDITION
    job = running_api.jobs.Get(pb.GetRequest(id=job_id), metadata=JAN, timeout=SECONDS).job
    assert job.attempts[0].progress.files_failed == 25


def test_log_ends_with_whole_lines_and_no_secret(own_api: Api, job_id: str, logs: Path) -> None:
    """The last bytes of it."""
    path = logs / f"{job_id}.log"
    path.write_bytes(
        b"".join(b"line %d \xff\n" % number for number in range(1000)) + b"Authorization: Bearer abcdefghijk\n"
    )
    answer = own_api.jobs.GetLog(pb.GetLogRequest(id=job_id, bytes=100), metadata=JAN, timeout=SECONDS)
    assert answer.truncated
    assert answer.text.startswith("line 99")
    assert "abcdefghijk" not in answer.text
    whole = own_api.jobs.GetLog(pb.GetLogRequest(id=job_id), metadata=JAN, timeout=SECONDS)
    assert (whole.truncated, whole.text.count("\n")) == (False, 1001)
    for size in (-1, 262_145):
        bad = pb.GetLogRequest(id=job_id, bytes=size)
        assert set(violations(refused(lambda b=bad: own_api.jobs.GetLog(b, metadata=JAN, timeout=SECONDS)))) == {
            "bytes"
        }


def test_report_and_log_are_the_owners(own_api: Api, job_id: str, logs: Path) -> None:
    """Somebody else's job is NOT_FOUND; no id leads out of the directory; no link is followed."""
    (logs / f"{job_id}.log").symlink_to("/etc/passwd")
    os.mkfifo(logs / f"{job_id}.report.jsonl")
    for metadata, wanted in ((PIET, job_id), (JAN, "../" + job_id), (JAN, "nosuch"), (JAN, "")):
        for call in (
            lambda m=metadata, w=wanted: report(own_api, w, m),
            lambda m=metadata, w=wanted: own_api.jobs.GetLog(pb.GetLogRequest(id=w), metadata=m, timeout=SECONDS),
        ):
            assert code(call) is StatusCode.NOT_FOUND
    log = pb.GetLogRequest(id=job_id)
    assert code(lambda: own_api.jobs.GetLog(log, metadata=JAN, timeout=SECONDS)) is StatusCode.NOT_FOUND
    assert not report(own_api, job_id).files


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"page_size": 1001}, "page_size"), ({"page_size": -1}, "page_size"), ({"page_token": "f"}, "page_token"),
        ({"page_token": "x1"}, "page_token"), ({"page_token": "f-1"}, "page_token"), ({"outcomes": [0]}, "outcomes"),
        ({"page_token": "q99999999999999999999"}, "page_token"), ({"outcomes": [77]}, "outcomes"),
    ],
)  # fmt: skip
def test_bad_report_requests_name_the_field(own_api: Api, job_id: str, more: dict[str, Any], field: str) -> None:
    """INVALID_ARGUMENT."""
    assert set(violations(refused(lambda: report(own_api, job_id, **more)))) == {field}


def test_metrics_tell_calls_and_queues(own_api: Api, job_id: str) -> None:
    """Over HTTP on a port of its own: methods and codes of the contract, never what a caller typed."""
    import httpx

    refused(lambda: own_api.jobs.Get(pb.GetRequest(id="marked-id"), metadata=JAN, timeout=SECONDS))
    unknown = own_api.channel.unary_unary("/stager.v1.JobService/MarkedMethod", lambda x: x, lambda x: x)
    refused(lambda: unknown(b"", timeout=SECONDS))
    [started] = [json.loads(text) for text in own_api.log.read_text().splitlines() if "metrics are served" in text]
    text = httpx.get(f"http://127.0.0.1:{started['port']}/metrics", timeout=SECONDS).text
    assert 'stager_api_calls_total{code="NOT_FOUND",method="JobService/Get"}' in text
    assert 'stager_api_calls_total{code="OK",method="JobService/Submit"}' in text
    assert 'stager_queue_waiting_jobs{queue="default"} 1.0' in text
    assert "process_open_fds" in text
    assert "marked" not in text.lower()
    assert job_id not in text
