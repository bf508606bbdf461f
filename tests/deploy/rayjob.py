# SPDX-License-Identifier: Apache-2.0
"""The fields of a RayJob that ours uses, and their types, as KubeRay's API reference has them.

No package ships the CRD's own schema. Pod templates are Kubernetes' and are checked as such.
"""

from __future__ import annotations

from typing import Any

STRING, BOOLEAN = {"type": "string"}, {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}
STRINGS = {"type": "object", "additionalProperties": STRING}
ANY: dict[str, Any] = {}


def _object(**fields: Any) -> dict[str, Any]:
    closed = {"required": list(fields), "additionalProperties": False}
    return {"type": "object", "properties": fields, **closed}


HEAD = _object(rayStartParams=STRINGS, template=ANY)
WORKERS = _object(
    groupName=STRING,
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    rayStartParams=STRINGS,
    template=ANY,
)
CLUSTER = _object(headGroupSpec=HEAD, workerGroupSpecs={"type": "array", "items": WORKERS})
JOB = _object(entrypoint=STRING, shutdownAfterJobFinishes=BOOLEAN, rayClusterSpec=CLUSTER)
RAYJOB = _object(
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=_object(name=STRING),
    spec=JOB,
)
