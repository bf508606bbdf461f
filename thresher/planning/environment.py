# SPDX-License-Identifier: Apache-2.0
"""A digest of the environment that stages run in: what failed may go well in another one."""

from __future__ import annotations

import functools
import json
import platform
from collections.abc import Sequence
from importlib.metadata import distributions
from typing import Any

import xxhash

from thresher import __version__
from thresher.core.allowance import memory_limit
from thresher.planning.fingerprint import describe
from thresher.planning.plan import Stage


def environment_digest(stages: Sequence[Stage], executor: Any) -> str:
    """Of Python, the packages that are installed, memory, the engine, and stages' environments."""
    facts = [
        __version__,
        platform.python_version(),
        _packages(),
        memory_limit(),
        type(executor).__name__,
        [describe(stage.runtime_env) for stage in stages],
    ]
    return xxhash.xxh3_64_hexdigest(json.dumps(facts, sort_keys=True).encode())


@functools.cache
def _packages() -> list[str]:
    found = ((dist.metadata["Name"], dist.version) for dist in distributions())
    return sorted({f"{name}=={version}" for name, version in found})
