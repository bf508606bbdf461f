# SPDX-License-Identifier: Apache-2.0
"""Rules that decide whether personal data stands at a place."""

from thresher.stages.text.pii.recognizers.recognizer import Recognizer as Recognizer
from thresher.stages.text.pii.recognizers.recognizer import Span as Span
