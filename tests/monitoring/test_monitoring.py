"""Dashboard and alert rules ask for metrics that the services tell, by labels and values that they have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector
from stager.v1 import credential_service_pb2, directory_service_pb2, job_service_pb2, project_service_pb2
from stager_api.metrics import CallMetrics
from stager_jobs.figures import QueueFigures
from stager_jobs.job import Priority
from stager_worker.metrics import WorkerMetrics
from stager_worker.tally import Ended

FOLDER = Path(__file__).parents[2] / "deploy/monitoring"
ALERTS = [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
METHODS = [
    f"{service.name}/{method.name}"
    for file in (credential_service_pb2, directory_service_pb2, job_service_pb2, project_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
JOBS = {"stager-api", "stager-worker"}
_SELECTOR = re.compile(r"\b(?P<name>(?:stager_|process_)\w+|up)\b(?:\{(?P<labels>[^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\bby \(([^)]*)\)")

Told = Mapping[str, Mapping[str, set[str]]]


def expressions() -> Iterator[tuple[str, str]]:
    """Each query, with where it stands."""
    for rule in ALERTS:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


@pytest.fixture(scope="module")
def told() -> Told:
    """What the services tell: by a metric's name, its labels, and the values that those have."""
    queues = dict.fromkeys(Priority, 1)
    figures = QueueFigures(queues, queues, queues, queues, dict.fromkeys(Priority, 1.0), 1, 1)
    worker = WorkerMetrics(lambda: list(figures.gauges()))
    for direction in ("upload", "download"):
        worker.ended(Ended("default", "complete", "", "", 1, 1, direction, 1, 1, 0, 0))
    api = CollectorRegistry()
    ProcessCollector(registry=api)
    calls = CallMetrics(api)
    for method in METHODS:
        for code in grpc.StatusCode:
            with calls.call(method) as outcome:
                outcome.code = code
    found: dict[str, dict[str, set[str]]] = {"up": {"job": JOBS, "instance": set()}}
    for registry in (worker.registry, api):
        for family in registry.collect():
            for sample in family.samples:
                labels = found.setdefault(sample.name, {"job": JOBS, "instance": set()})
                for label, value in sample.labels.items():
                    labels.setdefault(label, set()).add(value)
    return found


def faults(expression: str, told: Told) -> Iterator[str]:
    """What a query asks for that nobody tells."""
    labels: set[str] = set()
    for selector in _SELECTOR.finditer(re.sub(r"\bby \([^)]*\)", "", expression)):
        name = selector["name"]
        if name not in told:
            yield f"nobody tells {name}"
            continue
        labels |= told[name].keys()
        for label, operator, pattern in _MATCHER.findall(selector["labels"] or ""):
            if label not in told[name]:
                yield f"{name} has no {label}"
                continue
            wanted = pattern.split("|") if "~" in operator and "(" not in pattern else [pattern]
            for part in wanted:
                matches = [value for value in told[name][label] if re.fullmatch(part, value)]
                if not matches:
                    yield f"no {label} of {name} is {part}"
    for group in _GROUPING.findall(expression):
        for label in group.split(","):
            if label.strip() not in labels:
                yield f"nothing in it has {label.strip()}"


@pytest.mark.parametrize(("place", "expression"), list(expressions()))
def test_what_is_asked_for_is_told(place: str, expression: str, told: Told) -> None:
    """Every metric, label and value in a query is one that a service has, from its start on."""
    assert list(faults(expression, told)) == [], place


@pytest.mark.parametrize(
    "expression",
    ["stager_queue_waiting", 'stager_failures_total{code="no_room"}', 'stager_api_calls_total{status="OK"}',
     "sum by (user) (stager_active_users)", 'up{job="stager-ui"}'],
)  # fmt: skip
def test_a_wrong_query_is_found(expression: str, told: Told) -> None:
    """The check above finds a name, label or value that nobody tells."""
    assert list(faults(expression, told))


def test_what_is_told_is_shown(told: Told) -> None:
    """No figure of the stager's own is left out of dashboard and alerts."""
    asked = {selector["name"] for _, expression in expressions() for selector in _SELECTOR.finditer(expression)}
    own = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in told if name.startswith("stager_")}
    shown = {re.sub(r"_bucket$", "", name) for name in asked}
    assert {name for name in own if name not in shown and f"{name}_total" not in told} == set()


def test_every_alert_is_explained() -> None:
    """The administrators' page on monitoring says of each alert what it means and what to do."""
    page = (FOLDER.parents[1] / "docs/monitoring.md").read_text()
    assert [rule["alert"] for rule in ALERTS if f"| `{rule['alert']}` |" not in page] == []
    assert set(re.findall(r"^\| `(Stager\w+)` \|", page, re.MULTILINE)) == {rule["alert"] for rule in ALERTS}


def test_panels_are_whole() -> None:
    """Each panel has a place of its own and asks the chosen data source."""
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    assert all(target["datasource"]["uid"] == "${datasource}" for p in panels for target in p.get("targets", ()))


def test_prometheus_takes_the_rules() -> None:
    """Prometheus's own tool finds no fault, where it is installed."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    for words in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts.test.yml"]):
        done = subprocess.run([tool, *words], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
