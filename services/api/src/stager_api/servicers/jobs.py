"""JobService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from stager.v1 import job_pb2, job_service_pb2_grpc
from stager.v1 import job_service_pb2 as pb
from stager_jobs.job import Job

from stager_api import wire
from stager_api.calls import Context, caller
from stager_api.jobs.change import ChangeJobs
from stager_api.jobs.look import JobFilter, LookAtJobs
from stager_api.jobs.report import ReportFilter, Reports
from stager_api.jobs.submit import SubmitJobs
from stager_api.jobs.watch import Seen, WatchHub
from stager_api.threads import Threads


class JobServicer(job_service_pb2_grpc.JobServiceServicer):
    """See protos/stager/v1/job_service.proto."""

    def __init__(  # noqa: PLR0913, PLR0917 - a use case each
        self,
        submit: SubmitJobs,
        look: LookAtJobs,
        change: ChangeJobs,
        reports: Reports,
        hub: WatchHub,
        threads: Threads,
    ) -> None:
        self._submit = submit
        self._look = look
        self._change = change
        self._reports = reports
        self._hub = hub
        self._run = threads.jobs

    async def Submit(self, request: pb.SubmitRequest, context: Context) -> pb.SubmitResponse:
        """See the contract."""
        [outcome] = await self._run(self._submit, caller(), [wire.submission(request)])
        if not isinstance(outcome, Job):
            raise outcome
        return pb.SubmitResponse(job=wire.job_message(outcome))

    async def SubmitMany(self, request: pb.SubmitManyRequest, context: Context) -> pb.SubmitManyResponse:
        """See the contract."""
        outcomes = await self._run(self._submit, caller(), [wire.submission(one) for one in request.requests])
        return pb.SubmitManyResponse(results=[wire.submit_result(outcome) for outcome in outcomes])

    async def Get(self, request: pb.GetRequest, context: Context) -> pb.GetResponse:
        """See the contract."""
        return pb.GetResponse(job=wire.job_message(await self._run(self._look.get, caller(), request.id)))

    async def List(self, request: pb.JobServiceListRequest, context: Context) -> pb.JobServiceListResponse:
        """See the contract."""
        states, faults = wire.states(request.states)
        wanted = JobFilter(
            request.stager_user,
            states,
            request.search,
            request.page_size,
            request.page_token,
            counted=not request.omit_counts,
            faults=faults,
        )
        return wire.job_page_message(await self._run(self._look.page, caller(), wanted))

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.WatchResponse]:
        """See the contract."""
        me = caller()
        if request.ids:
            ids = tuple(request.ids)
            news = self._hub.follow(lambda: self._run(self._look.get_all, me, ids), ids=ids)
        else:
            owner = await self._run(self._look.user, me, request.stager_user)
            skip = request.skip_ended
            news = self._hub.follow(lambda: self._run(self._look.all_of, owner, skip_ended=skip), owner=owner)
        async with aclosing(news):
            async for seen in news:
                yield _watch_message(seen)

    async def Stop(self, request: pb.StopRequest, context: Context) -> pb.StopResponse:
        """See the contract."""
        return pb.StopResponse(job=wire.job_message(await self._run(self._change.stop, caller(), request.id)))

    async def Restart(self, request: pb.RestartRequest, context: Context) -> pb.RestartResponse:
        """See the contract."""
        job = await self._run(self._change.restart, caller(), request.id, request.dr_pass)
        return pb.RestartResponse(job=wire.job_message(job))

    async def Delete(self, request: pb.DeleteRequest, context: Context) -> pb.DeleteResponse:
        """See the contract."""
        await self._run(self._change.delete, caller(), request.id)
        return pb.DeleteResponse()

    async def GetReport(self, request: pb.GetReportRequest, context: Context) -> pb.GetReportResponse:
        """See the contract."""
        outcomes, faults = wire.outcomes(request.outcomes)
        wanted = ReportFilter(request.id, outcomes, request.page_size, request.page_token, faults)
        return wire.report_message(await self._run(self._reports.page, caller(), wanted))

    async def GetLog(self, request: pb.GetLogRequest, context: Context) -> pb.GetLogResponse:
        """See the contract."""
        text, truncated = await self._run(self._reports.log_end, caller(), request.id, request.bytes)
        return pb.GetLogResponse(text=text, truncated=truncated)


def _watch_message(seen: Seen) -> pb.WatchResponse:
    if seen.job is None:
        return pb.WatchResponse(change=pb.WatchResponse.CHANGE_DELETED, job=job_pb2.Job(id=seen.job_id))
    return pb.WatchResponse(change=pb.WatchResponse.CHANGE_CURRENT, job=wire.job_message(seen.job))
