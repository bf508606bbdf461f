# SPDX-License-Identifier: Apache-2.0
"""Personal data in documents: found, and taken out."""

from thresher.stages.text.pii.match import Match as Match
from thresher.stages.text.pii.pii_modifier import PiiModifier as PiiModifier
