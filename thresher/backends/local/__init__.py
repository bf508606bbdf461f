# SPDX-License-Identifier: Apache-2.0
"""The embedded executor."""

from thresher.backends.local.executor import LocalExecutor as LocalExecutor
