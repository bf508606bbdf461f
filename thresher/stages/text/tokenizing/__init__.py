# SPDX-License-Identifier: Apache-2.0
"""Tokenizers: where they come from, and whole columns of text made token ids."""

from thresher.stages.text.tokenizing.loaded import LoadedTokenizer as LoadedTokenizer
from thresher.stages.text.tokenizing.loaded import Tokens as Tokens
from thresher.stages.text.tokenizing.source import TokenizerSource as TokenizerSource
from thresher.stages.text.tokenizing.version import VersionOfFiles as VersionOfFiles
