# SPDX-License-Identifier: Apache-2.0
"""The stages in the order asked for, and their run."""

from thresher.pipeline.pipeline import Pipeline as Pipeline
from thresher.pipeline.result import RunResult as RunResult
