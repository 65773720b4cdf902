"""The rules for fields, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stager_api import rules
from stager_jobs.job import Task

GOOD = Task("scans", "jan@ru.nl", "/project/x", "i:/zone/x", "jan", stager_email="jan@ru.nl")


def faulty(**fields: object) -> set[str]:
    """The keys at fault in a good task with fields changed."""
    return {fault.field for fault in rules.task_violations(replace(GOOD, **fields))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"title": "x" * 200},
        {"title": "données n° 3 🧠"},
        {"src_url": "i:/zone/x", "dst_url": "/project/with spaces 'and' quotes"},
        {"src_url": "irods:/zone/x", "dst_url": "/"},
        {"src_url": "/..x/y..", "dst_url": "i:/a//b/./c"},
        {"src_url": "/" + "x" * 4095},
        {"stager_user": "jan.smith-2@dccn"},
        {"stager_user": "x" * 64},
        {"stager_email": ""},
        {"stager_email": "a" * 245 + "@ru.nl"},
        {"timeout": 0, "timeout_noprogress": 2**31 - 1},
    ],
)
def test_good_tasks_have_no_fault(fields: dict[str, object]) -> None:
    """Odd is not wrong."""
    assert faulty(**fields) == set()


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"title": ""}, {"title"}),
        ({"title": "  "}, {"title"}),
        ({"title": "x" * 201}, {"title"}),
        ({"title": "a\r\nBcc: x"}, {"title"}),
        ({"title": "a\u2028b"}, {"title"}),
        ({"title": "\x1b[31m"}, {"title"}),
        ({"dr_user": ""}, {"drUser"}),
        ({"dr_user": "x" * 251}, {"drUser"}),
        ({"dr_user": "a\0b"}, {"drUser"}),
        ({"src_url": ""}, {"srcURL"}),
        ({"src_url": "project/x"}, {"srcURL"}),
        ({"src_url": "-rf"}, {"srcURL"}),
        ({"src_url": "/a/../b"}, {"srcURL"}),
        ({"src_url": "/.."}, {"srcURL"}),
        ({"src_url": "/a\0b"}, {"srcURL"}),
        ({"src_url": "/a\nb"}, {"srcURL"}),
        ({"src_url": "/" + "é" * 2048}, {"srcURL"}),
        ({"dst_url": "i:zone"}, {"dstURL"}),
        ({"dst_url": "i:/zone/../other"}, {"dstURL"}),
        ({"dst_url": "/project/y"}, {"dstURL"}),
        ({"src_url": "irods:/zone/y"}, {"dstURL"}),
        ({"dst_url": "ftp:/x"}, {"dstURL"}),
        ({"stager_user": ""}, {"stagerUser"}),
        ({"stager_user": "-x"}, {"stagerUser"}),
        ({"stager_user": "../x"}, {"stagerUser"}),
        ({"stager_user": "a:b"}, {"stagerUser"}),
        ({"stager_user": "jan\n"}, {"stagerUser"}),
        ({"stager_user": "x" * 65}, {"stagerUser"}),
        ({"stager_email": "jan"}, {"stagerEmail"}),
        ({"stager_email": "a@b.nl, c@d.nl"}, {"stagerEmail"}),
        ({"stager_email": "a@b.nl;c@d.nl"}, {"stagerEmail"}),
        ({"stager_email": "a@b.nl\nBcc: c@d.nl"}, {"stagerEmail"}),
        ({"stager_email": "a" * 250 + "@ru.nl"}, {"stagerEmail"}),
        ({"timeout": -1}, {"timeout"}),
        ({"timeout_noprogress": -1}, {"timeout_noprogress"}),
        ({"title": "", "dr_user": "", "timeout": -1}, {"title", "drUser", "timeout"}),
    ],
)
def test_bad_fields_are_named(fields: dict[str, object], keys: set[str]) -> None:
    """Each by its JSON key, and no other."""
    assert faulty(**fields) == keys


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    """No text makes the rules fail, and none with a parent directory or a NUL passes."""
    for field in ("title", "dr_user", "src_url", "dst_url", "stager_user", "stager_email"):
        faulty(**{field: text})
    if "\0" in text or "/../" in text:
        assert "srcURL" in faulty(src_url="/" + text)


def test_texts_of_violations_do_not_repeat_what_was_sent() -> None:
    """A description says what is wrong, not what was given: that may be long, or a secret."""
    marked = "MARKED\n" * 100
    bad = Task(marked, marked, marked, marked, marked, dr_pass=marked, stager_email=marked)
    assert not any("MARKED" in fault.description for fault in rules.task_violations(bad))


@pytest.mark.parametrize("project", ["3010000.01", "x", "a-b_c.D"])
def test_project_numbers_pass(project: str) -> None:
    """Letters, digits, dots, underscores, dashes."""
    assert list(rules.project_violations(project)) == []


@pytest.mark.parametrize("project", ["", "..", "a/b", "a b", "3010000.01\n", "x" * 65, "?x", "é"])
def test_other_projects_do_not(project: str) -> None:
    """Nothing that could change the address that the gateway is asked at."""
    assert [fault.field for fault in rules.project_violations(project)] == ["project"]
