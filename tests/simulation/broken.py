# SPDX-License-Identifier: Apache-2.0
"""What the simulator raises: a broken law, and the end of a simulated process."""

from __future__ import annotations


class Broken(AssertionError):
    """A law does not hold."""


class Killed(BaseException):
    """The process that runs this is dead; nothing of it may go on, not even clean-up."""
