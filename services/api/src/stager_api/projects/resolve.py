"""The use case: the collection that takes a project's raw data."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol

from stager_telemetry import get_logger

from stager_api import rules
from stager_api.errors import NotFoundError, PreconditionError, UnavailableError
from stager_api.projects.answers import SourceError
from stager_api.projects.ppm import Collections
from stager_api.reasons import Reason

log = get_logger(__name__)

_FOUND_SECONDS = 600.0
_MISSING_SECONDS = 30.0
_REMEMBERED = 10_000


class Form(Protocol):
    """The PPM form, as far as it is known."""

    def known(self) -> Collections | None:
        """All of its collections; None if they are not known yet."""
        ...


class Repository(Protocol):
    """The gateway."""

    def collections(self, project: str) -> frozenset[str]:
        """A project's collections; raises SourceError."""
        ...


class ResolveCollection:
    """Asks the configuration's map, then the PPM form, then the gateway; the first that knows the project wins."""

    def __init__(
        self,
        static: Mapping[str, str],
        form: Form | None = None,
        gateway: Repository | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._static = static
        self._form = form
        self._gateway = gateway
        self._clock = clock
        self._answers: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, project: str) -> str:
        """The project's collection.

        Raises:
            InvalidRequestError: It is no project number.
            NotFoundError: No collection is known.
            PreconditionError: More than one is.
            UnavailableError: None is known here, and a source that might know can't be asked now.
        """
        rules.refuse(rules.project_violations(project))
        if project in self._static:
            return self._static[project]
        listed = self._form.known() if self._form else {}
        found = (listed or {}).get(project, frozenset()) or self._of_gateway(project)
        if len(found) > 1:
            raise PreconditionError(
                f"project {project} has {len(found)} collections for raw data; one is expected",
                Reason.SEVERAL_COLLECTIONS,
            )
        if found:
            return next(iter(found))
        if listed is None:
            raise UnavailableError(f"no collection of project {project} is known, and the PPM form can't be asked now")
        raise NotFoundError(f"no collection of project {project} is known", Reason.NO_SUCH_PROJECT)

    def _of_gateway(self, project: str) -> frozenset[str]:
        if self._gateway is None:
            return frozenset()
        now = self._clock()
        with self._lock:
            until, found = self._answers.get(project, (now, frozenset()))
        if until > now:
            return found
        try:
            found = self._gateway.collections(project)
        except SourceError as error:
            log.warning("the gateway was asked in vain", project=project, reason=str(error))
            raise UnavailableError(
                f"no collection of project {project} is known here, and the repository's gateway can't be asked now"
            ) from error
        with self._lock:
            self._answers[project] = (now + (_FOUND_SECONDS if found else _MISSING_SECONDS), found)
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return found
