# SPDX-License-Identifier: Apache-2.0
"""Modifiers of documents, and the stage that applies them."""

from thresher.stages.text.modifiers.document_modifier import DocumentModifier as DocumentModifier
from thresher.stages.text.modifiers.modify import Modify as Modify
