"""Log lines and what must not stand in them."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stager_telemetry import bind_log_context, clear_log_context, configure_logging, get_logger
from stager_telemetry.redact import redact


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The newest log line."""
    line: dict[str, Any] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return line


def test_line_is_json_with_context(capsys: pytest.CaptureFixture[str]) -> None:
    """A line carries service, level, time, event, bound context and its own values."""
    configure_logging("api", log_format="json")
    bind_log_context(job_id="j1")
    get_logger("t").info("job stopped", user="jan")
    clear_log_context()
    line = last_line(capsys)
    assert (line["service"], line["level"], line["event"], line["job_id"], line["user"]) == (
        "api",
        "info",
        "job stopped",
        "j1",
        "jan",
    )
    assert line["time"].endswith("Z")


def test_library_lines_have_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    """A line from the standard library's logging comes out as JSON as well, once."""
    configure_logging("worker", log_format="json")
    logging.getLogger("rq.worker").warning("no %s", "queue")
    assert last_line(capsys)["event"] == "no queue"


def test_level_holds_back_lower_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A line below the level is not written."""
    configure_logging("api", level="warning", log_format="json")
    get_logger("t").info("quiet")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "values",
    [
        {"dr_pass": "hunter2"},
        {"task": {"drPass": "hunter2"}},
        {"url": "redis://stager:hunter2@localhost/0"},
        {"headers": ["Bearer hunter2hunter2"]},
        {"text": "sealed:v1:k:hunter2"},
        {"authorization": "x hunter2"},
    ],
)
def test_secrets_are_hidden(values: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """A secret, told by its key or by its look, is not written at any depth."""
    configure_logging("api", log_format="json")
    get_logger("t").info("event", **values)
    assert "hunter2" not in capsys.readouterr().err


def test_secret_in_a_traceback_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception's text is searched as well."""
    configure_logging("api", log_format="json")
    try:
        raise ConnectionError("redis://stager:hunter2@localhost/0 refused")
    except ConnectionError:
        get_logger("t").exception("no redis")
    written = capsys.readouterr().err
    assert "ConnectionError" in written
    assert "hunter2" not in written


@given(st.recursive(st.text() | st.integers() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_redact_takes_anything(value: Any) -> None:  # noqa: ANN401
    """Whatever is logged, redaction doesn't raise and what it returns can be written as JSON."""
    json.dumps(redact(value))


def test_a_replaced_stderr_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines go to what stderr is when they are written, so a closed one from before is never touched."""
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    configure_logging("api", log_format="json")
    first.close()
    monkeypatch.setattr(sys, "stderr", second)
    get_logger("t").info("still here")
    assert "still here" in second.getvalue()
