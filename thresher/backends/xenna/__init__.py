# SPDX-License-Identifier: Apache-2.0
"""Cosmos-Xenna."""

from thresher.backends.xenna.executor import XennaExecutor as XennaExecutor
