"""From protobuf messages to the jobs package's data, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from stager.v1 import directory_service_pb2, job_pb2, job_service_pb2
from stager_jobs.errors import JobStoreError
from stager_jobs.job import Attempt, ErrorClass, Job, JobError, Priority, Progress, State, Task
from stager_jobs.store import JobPage

from stager_api.catalog import public_error
from stager_api.directories.list_directory import DirectoryPage, Entry, EntryType
from stager_api.directories.measure import Measurement, Problem
from stager_api.errors import ApiError, Violation
from stager_api.jobs.job_files import FileOutcome
from stager_api.jobs.report import Report
from stager_api.jobs.submit import Submission
from stager_api.reasons import Fault

STATES = {getattr(job_pb2, f"JOB_STATE_{state.name}"): state for state in State}
PRIORITIES = {getattr(job_pb2, f"PRIORITY_{priority.name}"): priority for priority in Priority}
PRIORITIES_GIVEN = {job_pb2.PRIORITY_UNSPECIFIED: Priority.DEFAULT, **PRIORITIES}
ERROR_CLASSES = {getattr(job_pb2, f"ERROR_CLASS_{name.name}"): name for name in ErrorClass}
ENTRY_TYPES = {getattr(directory_service_pb2, f"ENTRY_TYPE_{kind.name}"): kind for kind in EntryType}
MEASURE_PROBLEMS = {getattr(directory_service_pb2, f"MEASURE_PROBLEM_{kind.name}"): kind for kind in Problem}
OUTCOMES = {getattr(job_service_pb2, f"FILE_OUTCOME_{kind.name}"): kind for kind in FileOutcome}

_STATE_NUMBERS = {state: number for number, state in STATES.items()}
_PRIORITY_NUMBERS = {priority: number for number, priority in PRIORITIES.items()}
_ERROR_CLASS_NUMBERS = {name: number for number, name in ERROR_CLASSES.items()}
_MEASURE_PROBLEM_NUMBERS = {kind: number for number, kind in MEASURE_PROBLEMS.items()}
_OUTCOME_NUMBERS = {kind: number for number, kind in OUTCOMES.items()}
_ENTRY_TYPE_NUMBERS = {kind: number for number, kind in ENTRY_TYPES.items()}
_NO_PROBLEM = directory_service_pb2.MEASURE_PROBLEM_UNSPECIFIED

ATTEMPTS_SENT = 50
CURRENT_SENT = 16
_LATEST = 253_402_300_799
"""The last second of the year 9999, which is as far as a Timestamp goes."""
_LARGEST = 2**63 - 1


def submission(request: job_service_pb2.SubmitRequest) -> Submission:
    """What a request hands in, with the faults that only the message shows."""
    priority = PRIORITIES_GIVEN.get(request.priority)
    faults = () if priority else (Violation("priority", Fault.UNKNOWN_VALUE, "is none of critical, default and low"),)
    return Submission(
        _task(request.task), priority or Priority.DEFAULT, request.request_id, request.validate_only, faults
    )


def states(numbers: Sequence[int]) -> tuple[frozenset[State], tuple[Violation, ...]]:
    """The states of a filter, and its faults."""
    if all(number in STATES for number in numbers):
        return frozenset(STATES[number] for number in numbers), ()
    return frozenset(), (Violation("states", Fault.UNKNOWN_VALUE, "holds something that is no state"),)


def job_message(job: Job) -> job_pb2.Job:
    """A job as it is sent; its credential never is."""
    return job_pb2.Job(
        id=job.id,
        task=_task_message(job.task),
        state=_STATE_NUMBERS[job.state],
        priority=_PRIORITY_NUMBERS[job.priority],
        submitted_by="" if job.principal == job.owner else job.principal,
        created_at=_timestamp(job.created),
        next_process_at=_timestamp(job.next_process),
        started_at=_timestamp(job.started),
        last_failed_at=_timestamp(job.last_failed),
        ended_at=_timestamp(job.ended),
        attempts=[_attempt_message(attempt) for attempt in job.attempts[-ATTEMPTS_SENT:]],
        max_attempts=job.max_attempts,
        last_error=_error_message(job.last_error),
        progress=_progress_message(job.progress),
        waiting_reason=job.waiting_reason,
        waiting_code=job.waiting_code,
    )


def job_page_message(page: JobPage) -> job_service_pb2.JobServiceListResponse:
    """A page of jobs."""
    counts = [
        job_service_pb2.StateCount(state=number, count=page.counts[state])
        for number, state in sorted(STATES.items())
        if page.counts.get(state)
    ]
    jobs = [job_message(job) for job in page.jobs]
    return job_service_pb2.JobServiceListResponse(jobs=jobs, next_page_token=page.next_cursor, counts=counts)


def submit_result(outcome: Job | ApiError | JobStoreError) -> job_service_pb2.SubmitResult:
    """What became of one task of many."""
    if isinstance(outcome, Job):
        return job_service_pb2.SubmitResult(job=job_message(outcome))
    told = public_error(outcome)
    violations = [
        job_service_pb2.FieldViolation(field=fault.field, description=fault.description, reason=fault.reason)
        for fault in told.violations
    ]
    refusal = job_service_pb2.SubmitError(
        code=told.code.value[0], message=told.message, violations=violations, reason=told.reason
    )
    return job_service_pb2.SubmitResult(error=refusal)


def directory_message(page: DirectoryPage) -> directory_service_pb2.DirectoryServiceListResponse:
    """A page of a directory."""
    return directory_service_pb2.DirectoryServiceListResponse(
        entries=[_entry_message(entry) for entry in page.entries], next_page_token=page.next_token
    )


def measurement_message(measurement: Measurement) -> directory_service_pb2.MeasureResponse:
    """What is counted so far."""
    return directory_service_pb2.MeasureResponse(
        measured=[
            directory_service_pb2.Measured(
                path=one.path,
                files=one.files,
                bytes=one.bytes,
                directories=one.directories,
                left_out=one.left_out,
                unreadable=one.unreadable,
                problem=_MEASURE_PROBLEM_NUMBERS[one.problem] if one.problem else _NO_PROBLEM,
            )
            for one in measurement.measured
        ],
        final=measurement.final,
    )


def outcomes(numbers: Sequence[int]) -> tuple[frozenset[FileOutcome], tuple[Violation, ...]]:
    """The outcomes of a filter, and its faults."""
    if all(number in OUTCOMES for number in numbers):
        return frozenset(OUTCOMES[number] for number in numbers), ()
    return frozenset(), (Violation("outcomes", Fault.UNKNOWN_VALUE, "holds something that is no outcome"),)


def report_message(report: Report) -> job_service_pb2.GetReportResponse:
    """A page of a report."""
    return job_service_pb2.GetReportResponse(
        files=[
            job_service_pb2.FileReport(
                attempt=file.attempt,
                path=file.path,
                outcome=_OUTCOME_NUMBERS[file.outcome],
                bytes=_count(file.bytes),
                checksum=file.checksum,
                code=file.code,
                message=file.message,
            )
            for file in report.files
        ],
        next_page_token=report.next_token,
        complete=report.complete,
        faults_total=_count(report.faults_total),
        full_list=report.full_list,
    )


def _task(message: job_pb2.Task) -> Task:
    defaults = Task(title="", dr_user="", src_url="", dst_url="", stager_user="")
    return Task(
        title=message.title,
        dr_user=message.dr_user,
        src_url=message.src_url,
        dst_url=message.dst_url,
        stager_user=message.stager_user,
        dr_pass=message.dr_pass,
        stager_email=message.stager_email,
        timeout=message.timeout if message.HasField("timeout") else defaults.timeout,
        timeout_noprogress=(
            message.timeout_noprogress if message.HasField("timeout_noprogress") else defaults.timeout_noprogress
        ),
    )


def _task_message(task: Task) -> job_pb2.Task:
    return job_pb2.Task(
        title=task.title,
        dr_user=task.dr_user,
        src_url=task.src_url,
        dst_url=task.dst_url,
        stager_user=task.stager_user,
        stager_email=task.stager_email,
        timeout=task.timeout,
        timeout_noprogress=task.timeout_noprogress,
    )


def _attempt_message(attempt: Attempt) -> job_pb2.Attempt:
    return job_pb2.Attempt(
        number=attempt.number,
        started_at=_timestamp(attempt.started),
        ended_at=_timestamp(attempt.ended),
        error=_error_message(attempt.error),
        progress=_progress_message(attempt.progress),
    )


def _error_message(error: JobError | None) -> job_pb2.JobError | None:
    if error is None:
        return None
    return job_pb2.JobError(error_class=_ERROR_CLASS_NUMBERS[error.error_class], code=error.code, message=error.message)


def _progress_message(progress: Progress) -> job_pb2.Progress:
    return job_pb2.Progress(
        files_total=_count(progress.files_total),
        files_transferred=_count(progress.files_transferred),
        files_skipped=_count(progress.files_skipped),
        files_failed=_count(progress.files_failed),
        bytes_total=_count(progress.bytes_total),
        bytes_transferred=_count(progress.bytes_transferred),
        bytes_skipped=_count(progress.bytes_skipped),
        totals_final=progress.totals_final,
        bytes_per_second=progress.bytes_per_second,
        seconds_left=progress.seconds_left,
        current=progress.current[:CURRENT_SENT],
    )


def _entry_message(entry: Entry) -> directory_service_pb2.Entry:
    seconds, nanos = divmod(entry.mtime, 1_000_000_000)
    modified = Timestamp(seconds=min(max(seconds, 0), _LATEST), nanos=nanos)
    return directory_service_pb2.Entry(
        name=entry.name,
        type=_ENTRY_TYPE_NUMBERS[entry.type],
        size=_count(entry.size),
        modified_at=modified,
        symlink_target=entry.target,
        undecodable=entry.undecodable,
    )


def _count(number: int) -> int:
    """A number that fits an int64, whatever a hostile writer left."""
    return min(max(number, 0), _LARGEST)


def _timestamp(when: datetime | None) -> Timestamp | None:
    if when is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(when.astimezone(UTC))
    return stamp
