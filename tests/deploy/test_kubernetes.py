# SPDX-License-Identifier: Apache-2.0
"""deploy/kuberay by the schemas of Kubernetes, which refuse fields that they do not know."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from kubernetes_validate import ValidationError, latest_version, validate

from tests.deploy.rayjob import RAYJOB

FOLDER = Path(__file__).parents[2] / "deploy" / "kuberay"
JOB = yaml.safe_load((FOLDER / "shards-job.yaml").read_text())
RAY_JOB = yaml.safe_load((FOLDER / "rayjob.yaml").read_text())
VERSIONS = ("1.28", latest_version())


def templates(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The pod templates of a RayJob."""
    cluster = job["spec"]["rayClusterSpec"]
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def check(resource: dict[str, Any], version: str) -> None:
    """Refuse what Kubernetes, or KubeRay, would not take."""
    if resource["kind"] != "RayJob":
        validate(resource, version, strict=True)
        return
    jsonschema.validate(resource, RAYJOB)
    for template in templates(resource):
        pod = {"apiVersion": "v1", "kind": "PodTemplate", "template": template}
        validate(pod, version, strict=True)


def test_every_file_is_one_that_is_checked() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == ["rayjob.yaml", "shards-job.yaml"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("resource", [JOB, RAY_JOB], ids=["shards-job", "rayjob"])
def test_kubernetes_takes_it(resource: dict[str, Any], version: str) -> None:
    check(resource, version)


def changed(resource: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(resource)
    *way, last = place.split(".")
    inner: Any = found
    for step in way:
        inner = inner[int(step) if step.isdigit() else step]
    inner[last] = value
    return found


POD = "spec.template.spec"
HEAD = "spec.rayClusterSpec.headGroupSpec"
WORKERS = "spec.rayClusterSpec.workerGroupSpecs.0"


@pytest.mark.parametrize(
    ("resource", "place", "value"),
    [
        (JOB, "spec.completionModes", "Indexed"),
        (JOB, "spec.completions", "4"),
        (JOB, f"{POD}.restartPolicies", "OnFailure"),
        (JOB, f"{POD}.containers.0.command", "sh"),
        (JOB, f"{POD}.containers.0.resources.limit", {}),
        (JOB, f"{POD}.volumes.0.persistentVolumeClaim.claim", "x"),
        (RAY_JOB, "spec.entryPoint", "thresher"),
        (RAY_JOB, "spec.shutdownAfterJobFinishes", "true"),
        (RAY_JOB, f"{HEAD}.rayStartParams.num-cpus", 0),
        (RAY_JOB, f"{HEAD}.template.spec.containers.0.images", "x"),
        (RAY_JOB, f"{WORKERS}.replica", 2),
        (RAY_JOB, f"{WORKERS}.template.spec.volumes.0.persistentVolumeClaim.claimName", 1),
    ],
)
def test_a_mistake_is_found(resource: dict[str, Any], place: str, value: Any) -> None:
    with pytest.raises((ValidationError, jsonschema.ValidationError)):
        check(changed(resource, place, value), latest_version())


# -- what a schema does not say -----------------------------------------------------------------


@pytest.mark.parametrize("pod", [JOB["spec"]["template"], *templates(RAY_JOB)])
def test_what_is_mounted_is_there(pod: dict[str, Any]) -> None:
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    for container in pod["spec"]["containers"]:
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert (
            container["resources"]["requests"]["memory"]
            == (container["resources"]["limits"]["memory"])
        )


def test_there_is_a_pod_for_every_shard() -> None:
    spec = JOB["spec"]
    [argument] = spec["template"]["spec"]["containers"][0]["args"]
    shards = re.search(r'--shard "\$JOB_COMPLETION_INDEX/(\d+)"', argument)
    assert shards is not None
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"] == int(shards[1])
    assert spec["template"]["spec"]["restartPolicy"] == "OnFailure"  # 75: run it again


def test_a_group_of_workers_has_a_number_within_its_bounds() -> None:
    for group in RAY_JOB["spec"]["rayClusterSpec"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
