"""Reading task documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stager_client import InvalidRequestError
from stager_client.task_document import KEYS, read_task, read_tasks

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=9),
    max_leaves=20,
)


def test_all_keys(task: dict[str, Any]) -> None:
    """Every key of the document finds its field, zero is kept apart from absent."""
    read = read_task(task)
    assert read.faults == ()
    assert read.task.src_url == task["srcURL"]
    assert read.task.dst_url == task["dstURL"]
    assert (read.task.dr_user, read.task.dr_pass) == (task["drUser"], task["drPass"])
    assert (read.task.stager_user, read.task.stager_email) == ("jan", "jan@ru.nl")
    assert (read.task.timeout, read.task.timeout_noprogress) == (86400, 0)
    assert not read_task({"title": "x", "timeout": None}).task.HasField("timeout")


@pytest.mark.parametrize("form", ["{}", "[{}]", '{"jobs": [{}]}', "\n {}\n"])
def test_forms(form: str) -> None:
    """A task, an array, or an object with `jobs`."""
    assert len(read_tasks(form)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1"),
        ("{", "line 1"),
        ('{"title": "a", "title": "b"}', "twice.*title"),
        ('[{"drPass": "a", "drPass": "b"}]', "twice.*drPass"),
        ("NaN", "NaN"),
        ('{"timeout": Infinity}', "Infinity"),
        ("[]", "empty"),
        ('{"jobs": {}}', "array"),
        ('{"jobs": [], "title": "x"}', "other keys: 'title'"),
        ("3", "object"),
        ("null", "object"),
        ("[" * 100_000, "deeply"),
        ("1" * 5000, "not a task document"),
    ],
)
def test_no_document(text: str, message: str) -> None:
    """What is no task document is refused, and never quoted."""
    with pytest.raises(InvalidRequestError, match=message):
        read_tasks(text)


def test_errors_do_not_quote_passwords() -> None:
    """A slip in the JSON doesn't bring the password into the error or what is chained to it."""
    with pytest.raises(InvalidRequestError) as caught:
        read_tasks('{"drPass": "S3cret" "title": 1}')
    assert "S3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_every_fault_is_named() -> None:
    """Unknown keys and wrong types come all at once, near misses with a hint."""
    read = read_task(
        {
            "srcUrl": "/a",
            "title": 5,
            "timeout": "1",
            "timeout_noprogress": True,
            "drUser": ["x"],
            "zzz": 1,
            "drPass": "\ud800",
        }
    )
    faults = {fault.field: fault.description for fault in read.faults}
    assert faults.keys() == {"srcUrl", "title", "timeout", "timeout_noprogress", "drUser", "zzz", "drPass"}
    assert "did you mean srcURL" in faults["srcUrl"]
    assert "title" in faults["zzz"]
    assert "surrogate" in faults["drPass"]


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 10**30, 1.5, 1e3])
def test_numbers_out_of_range(number: float) -> None:
    """Only whole numbers that the contract's field can hold are taken."""
    assert [fault.field for fault in read_task({"timeout": number}).faults] == ["timeout"]


@given(json_values)
def test_any_json(value: Any) -> None:  # noqa: ANN401 - any JSON
    """Whatever JSON arrives, it is read or refused with faults; what is read can be sent."""
    try:
        tasks = read_tasks(json.dumps(value))
    except InvalidRequestError:
        return
    for read in tasks:
        read.task.SerializeToString()
        for fault in read.faults:
            assert fault.description


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever text arrives, nothing but an InvalidRequestError comes of it."""
    with pytest.raises(InvalidRequestError):
        read_tasks(text + "{")
