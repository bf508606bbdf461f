# SPDX-License-Identifier: Apache-2.0
"""Door: the documented address of the stage classes."""

from thresher.stages.base import CompositeStage as CompositeStage
from thresher.stages.base import ProcessingStage as ProcessingStage
