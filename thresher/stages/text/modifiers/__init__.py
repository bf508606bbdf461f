# SPDX-License-Identifier: Apache-2.0
"""Modifiers of documents, and the stage that applies them."""

from thresher.stages.text.modifiers.document_modifier import DocumentModifier as DocumentModifier
from thresher.stages.text.modifiers.modify import Modify as Modify
from thresher.stages.text.modifiers.string import NewlineNormalizer as NewlineNormalizer
from thresher.stages.text.modifiers.string import QuotationRemover as QuotationRemover
from thresher.stages.text.modifiers.string import UrlRemover as UrlRemover
from thresher.stages.text.modifiers.unicode import UnicodeReformatter as UnicodeReformatter
