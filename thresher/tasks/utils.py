# SPDX-License-Identifier: Apache-2.0
"""Door: the documented address of the statistics summaries."""

from thresher.tasks.performance import TaskPerfUtils as TaskPerfUtils
