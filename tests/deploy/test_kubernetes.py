"""Base, overlay and parts for Kubernetes: put together by kubectl, held against the API's schemas and the services.

No cluster runs here. What only a cluster could show (that pods are admitted, policies kept, claims bound) is not shown.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError
from stager_sandbox.redis_server import RedisServer
from stager_settings import load_settings
from stager_worker.settings import WorkerSettings

KUBECTL = Path(sys.executable).parent / "kubectl"
WORKLOADS = {"Deployment", "StatefulSet"}
OF_OTHERS = {"keda.sh"}
"""Whose schemas the API itself doesn't have."""
Objects = dict[tuple[str, str], dict[str, Any]]


def put_together(folder: Path) -> Objects:
    """Every object of an overlay, by kind and name."""
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr, done.stderr
    found = [document for document in yaml.safe_load_all(done.stdout) if document]
    return {(document["kind"], document["metadata"]["name"]): document for document in found}


@pytest.fixture(scope="module")
def objects(prepared: Path) -> Objects:
    """The overlay as deploy/prepare.py makes it, with KEDA switched on."""
    overlay = prepared / "kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("  # - ", "  - "))
    return put_together(prepared)


def pods(objects: Objects) -> dict[str, dict[str, Any]]:
    """By workload's name: what its pods are."""
    return {name: found["spec"]["template"]["spec"] for (kind, name), found in objects.items() if kind in WORKLOADS}


def test_every_object_is_what_the_api_takes(objects: Objects) -> None:
    """Each against the strict schema of its kind, in which a key that is none is a fault."""
    judged = [found for found in objects.values() if found["apiVersion"].split("/")[0] not in OF_OTHERS]
    assert len(judged) > 30
    for found in judged:
        kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


def test_all_lies_in_one_namespace(objects: Objects) -> None:
    """But for what has none."""
    outside = {
        (kind, name) for (kind, name), found in objects.items() if found["metadata"].get("namespace") != "stager"
    }
    assert outside == {("Namespace", "stager"), ("PersistentVolume", "stager-project")}


@pytest.mark.parametrize("service", ["api", "worker", "ui", "admin"])
def test_a_service_finds_its_settings(
    objects: Objects, settings: dict[str, tuple[type[BaseModel], str, str]], service: str, tmp_path: Path
) -> None:
    """Its file and each secret are mounted where it looks for them, and are enough for it to start."""
    pod, (model, prefix, usual) = pods(objects)[service], settings[service]
    (container,) = pod["containers"]
    mounted = mounted_files(objects, pod, container, tmp_path)
    environment = {entry["name"]: str(mounted[entry["value"]]) for entry in container["env"]}
    loaded = load_settings(model, mounted[usual], env_prefix=prefix, environment=environment)
    url = loaded.redis_url if service == "admin" else loaded.redis.url
    assert url.get_secret_value().endswith("@redis:6379/0")
    assert not pod["enableServiceLinks"], "their variables would be taken for settings"


def mounted_files(objects: Objects, pod: dict[str, Any], container: dict[str, Any], folder: Path) -> dict[str, Path]:
    """The files that a container sees of configurations and secrets, by their paths in it."""
    found = {}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "configMap" in volume:
            held = objects["ConfigMap", volume["configMap"]["name"]]["data"]
        elif "secret" in volume:
            coded = objects["Secret", volume["secret"]["secretName"]]["data"]
            held = {name: base64.b64decode(text).decode() for name, text in coded.items()}
        else:
            continue
        for name, text in held.items():
            if mount.get("subPath", name) == name:
                file = folder / f"{len(found)}"
                file.write_text(text)
                path = mount["mountPath"] if "subPath" in mount else f"{mount['mountPath']}/{name}"
                found[path] = file
    return found


def test_a_pod_has_no_more_rights_than_it_needs(objects: Objects, capabilities: dict[str, set[str]]) -> None:
    """No way to new privileges, no writable root, no token of the cluster's, two or three capabilities at most."""
    assert pods(objects).keys() == {"redis", "api", "worker", "ui", "admin"}
    for name, pod in pods(objects).items():
        (container,) = pod["containers"]
        rights = container["securityContext"]
        assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True), name
        assert rights["capabilities"]["drop"] == ["ALL"], name
        assert set(rights["capabilities"].get("add", [])) == capabilities.get(name, set())
        assert pod["securityContext"].get("runAsNonRoot", False) == (name not in capabilities)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_secrets_are_their_readers_alone(objects: Objects) -> None:
    """In a pod of root's for root alone; in the others for their group."""
    for name, pod in pods(objects).items():
        modes = {volume["secret"]["defaultMode"] for volume in pod["volumes"] if "secret" in volume}
        assert modes <= ({0o400} if name in {"api", "worker"} else {0o440}), name


def test_an_update_loses_no_job(objects: Objects) -> None:
    """A worker has the time to hand its jobs back, and the next one is there before it goes."""
    worker = objects["Deployment", "worker"]["spec"]
    grace = WorkerSettings.model_fields["stop_grace"].default
    assert worker["template"]["spec"]["terminationGracePeriodSeconds"] >= grace + 15
    assert worker["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "livenessProbe" not in worker["template"]["spec"]["containers"][0]
    assert objects["StatefulSet", "redis"]["spec"]["replicas"] == 1


def test_what_may_speak_with_redis(objects: Objects) -> None:
    """The services and KEDA, and nothing else; by default nobody speaks with anybody."""
    closed = objects["NetworkPolicy", "nothing-else"]["spec"]
    assert (closed["podSelector"], sorted(closed["policyTypes"])) == ({}, ["Egress", "Ingress"])
    policies = [found["spec"] for (kind, _), found in objects.items() if kind == "NetworkPolicy"]
    letting = [policy for policy in policies if is_for(policy, "redis") and "ingress" in policy]
    callers = [caller for policy in letting for rule in policy["ingress"] for caller in rule["from"]]
    assert sorted(callers, key=str) == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}},
        {"podSelector": {"matchExpressions": [
            {"key": "app.kubernetes.io/name", "operator": "In", "values": ["api", "worker", "ui", "admin"]},
        ]}},
    ]  # fmt: skip


def test_administrators_come_by_another_door_than_everybody(objects: Objects) -> None:
    """The dashboard can't be reached from where the web application is reached from."""

    def doors(name: str) -> list[dict[str, Any]]:
        policies = [found["spec"] for (kind, _), found in objects.items() if kind == "NetworkPolicy"]
        rules = [rule for policy in policies if is_for(policy, name) for rule in policy.get("ingress", [])]
        return [caller for rule in rules for caller in rule["from"]]

    assert doors("ui")
    assert doors("admin")
    assert not [door for door in doors("admin") if door in doors("ui")]


def is_for(policy: dict[str, Any], name: str) -> bool:
    """Whether a policy means this workload by its name."""
    return policy["podSelector"].get("matchLabels") == {"app.kubernetes.io/name": name}


def test_selectors_find_their_pods(objects: Objects) -> None:
    """Each service, budget and policy means pods that there are."""
    labels = [objects[key]["spec"]["template"]["metadata"]["labels"] for key in objects if key[0] in WORKLOADS]
    for (kind, name), found in objects.items():
        spec = found.get("spec", {})
        wanted = {
            "Service": lambda spec=spec: spec["selector"],
            "PodDisruptionBudget": lambda spec=spec: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda spec=spec: spec["podSelector"].get("matchLabels", {}),
        }.get(kind, dict)()
        assert [own for own in labels if wanted.items() <= own.items()], (kind, name)


def test_keda_counts_what_waits_and_what_runs(objects: Objects, prepared: Path, tmp_path: Path) -> None:
    """It scales the worker, whose number nothing else says, by keys that its user of Redis may measure, and no more."""
    scaled = objects["ScaledObject", "worker"]["spec"]
    assert scaled["scaleTargetRef"] == {"name": "worker"}
    assert "replicas" not in objects["Deployment", "worker"]["spec"]
    keys = [trigger["metadata"]["listName"] for trigger in scaled["triggers"]]
    assert keys == [f"rq:{kind}:{queue}" for kind in ("queue", "wip") for queue in ("default", "critical", "low")]
    secret = objects["TriggerAuthentication", "redis-scaler"]["spec"]["secretTargetRef"]
    login = {
        entry["parameter"]: base64.b64decode(objects["Secret", entry["name"]]["data"][entry["key"]]).decode()
        for entry in secret
    }
    with RedisServer(tmp_path / "redis") as server:
        admin = Redis.from_url(server.url)
        for line in (prepared / "secrets/redis-acl").read_text().splitlines():
            if line.startswith("user scaler "):
                admin.acl_setuser("scaler", reset=True)
                admin.execute_command("ACL", "SETUSER", *line.split()[1:])
        admin.rpush("rq:queue:default", "one", "two")
        admin.zadd("rq:wip:low", {"three": 1})
        scaler = Redis(port=server.port, protocol=3, **login)
        # KEDA asks by a script, for the type first.
        script = """local kind = redis.call('type', KEYS[1]).ok
            return redis.call(kind == 'zset' and 'zcard' or 'llen', KEYS[1])"""
        assert [scaler.eval(script, 1, key) for key in keys] == [2, 0, 0, 0, 0, 1]
        admin.hset("rq:job:x", "data", "secret")
        for refused in (
            lambda: scaler.hgetall("rq:job:x"),
            lambda: scaler.lrange("rq:queue:default", 0, -1),
            lambda: scaler.eval("return redis.call('hgetall', 'rq:job:x')", 1, "rq:queue:default"),
        ):
            with pytest.raises((NoPermissionError, ResponseError)):
                refused()


def test_a_changed_file_replaces_its_readers(prepared: Path, tmp_path: Path) -> None:
    """With another configuration the pods that read it are others, and no more than those."""
    copy = tmp_path / "site"
    shutil.copytree(prepared, copy)
    overlay = copy / "kustomization.yaml"
    here = os.path.relpath(Path(__file__).resolve().parents[2] / "deploy/kubernetes", copy)
    there = os.path.relpath(Path(__file__).resolve().parents[2] / "deploy/kubernetes", prepared)
    overlay.write_text(overlay.read_text().replace(there, here))
    before = pods(put_together(copy))
    (copy / "config/worker.yml").write_text((copy / "config/worker.yml").read_text() + "\n# more\n")
    after = pods(put_together(copy))
    assert {name for name in before if before[name] != after[name]} == {"worker"}
