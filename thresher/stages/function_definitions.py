# SPDX-License-Identifier: Apache-2.0
"""Door: the documented address of the stage decorator."""

from thresher.stages.function_decorators import processing_stage as processing_stage
