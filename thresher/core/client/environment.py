# SPDX-License-Identifier: Apache-2.0
"""What Ray and Cosmos-Xenna must find in the environment before a cluster starts."""

from __future__ import annotations

import os

XENNA = {
    "RAY_MAX_LIMIT_FROM_API_SERVER": "40000",
    "RAY_MAX_LIMIT_FROM_DATA_SOURCE": "40000",
}
"""Xenna asks Ray's dashboard for up to 40,000 actors; Ray refuses more than 10,000 unless told."""

HEALTH = {
    "RAY_health_check_initial_delay_ms": "5000",
    "RAY_health_check_period_ms": "2000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "4",
}
"""A node that does not answer is given up after about 4 x (2 + 3) s = 20 s.

Ray's own values need over a minute when a link is cut. Much smaller ones lose nodes that are only
busy: the checks are answered by processes that share their cores with the stages.
"""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Nothing is reported to anybody."""


def ray_environment(spill: bool) -> dict[str, str]:
    """Variables of a node that are not set yet; a user's own values stay.

    Parameters
    ----------
    spill : bool
        Whether objects may be written to disk when the object store is full.
    """
    wanted = {
        **XENNA,
        **HEALTH,
        **QUIET,
        "RAY_automatic_object_spilling_enabled": str(int(spill)),
    }
    return unset(wanted)


def unset(wanted: dict[str, str]) -> dict[str, str]:
    """Those of the variables that are not set in this process."""
    return {name: value for name, value in wanted.items() if name not in os.environ}


class Variables:
    """Variables of this process that go back to what they were."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[str | None, str]] = {}

    def set(self, name: str, value: str) -> None:
        """Set a variable until :meth:`restore`."""
        before, _ = self._before.get(name, (os.environ.get(name), value))
        self._before[name] = (before, value)
        os.environ[name] = value

    def restore(self) -> None:
        """Put back all that nobody has changed since."""
        for name, (before, ours) in self._before.items():
            if os.environ.get(name) != ours:
                continue
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
        self._before.clear()
