"""Jobs in RQ on Redis: the only part of the stager that knows either."""

from stager_jobs.rq_store.changes import RqChangeFeed
from stager_jobs.rq_store.inspector import RqJobInspector
from stager_jobs.rq_store.queue import RqJobQueue

__all__ = ["RqChangeFeed", "RqJobInspector", "RqJobQueue"]
