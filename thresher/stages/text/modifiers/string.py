# SPDX-License-Identifier: Apache-2.0
"""Door: modifiers that follow a plain rule about characters."""

from thresher.stages.text.modifiers.boilerplate import (
    BoilerPlateStringModifier as BoilerPlateStringModifier,
)
from thresher.stages.text.modifiers.line_remover import LineRemover as LineRemover
from thresher.stages.text.modifiers.markdown_remover import MarkdownRemover as MarkdownRemover
from thresher.stages.text.modifiers.newline_normalizer import NewlineNormalizer as NewlineNormalizer
from thresher.stages.text.modifiers.quotation_remover import QuotationRemover as QuotationRemover
from thresher.stages.text.modifiers.slicer import Slicer as Slicer
from thresher.stages.text.modifiers.url_remover import UrlRemover as UrlRemover
