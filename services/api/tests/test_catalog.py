"""Every error has its place in the catalog."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from stager_api import catalog, errors
from stager_api.errors import ApiError
from stager_api.reasons import Reason
from stager_jobs.errors import JobStoreError


def all_below(base: type[Exception]) -> list[type[Exception]]:
    """Every class that derives from it."""
    return [found for kind in base.__subclasses__() for found in (kind, *all_below(kind))]


@pytest.mark.parametrize("kind", [*all_below(ApiError), *all_below(JobStoreError)])
def test_no_error_is_missing(kind: type[Exception]) -> None:
    """Each class of both packages stands in it by itself."""
    assert kind in catalog.CATALOG


def test_entries_name_no_class_that_is_gone() -> None:
    """The catalog and the classes are the same set."""
    assert set(catalog.CATALOG) == {*all_below(ApiError), *all_below(JobStoreError)}


def test_every_error_has_a_reason() -> None:
    """None of those that are foreseen passes for an unforeseen one: its class has a reason, or its entry."""
    for kind, entry in catalog.CATALOG.items():
        reason = kind.reason if issubclass(kind, ApiError) else entry.reason
        assert reason is not Reason.INTERNAL, kind


def test_unforeseen_errors_tell_nothing() -> None:
    """Their text may hold anything, so the caller gets a fixed one."""
    told = catalog.public_error(ValueError("secret"))
    assert (told.code, told.message) == (StatusCode.INTERNAL, catalog.UNEXPECTED.text)


def test_reasons_of_a_refused_login_stay_here() -> None:
    """UNAUTHENTICATED comes without a hint."""
    texts = {catalog.public_error(errors.UnauthenticatedError(reason)).message for reason in ("a", "b")}
    assert len(texts) == 1
