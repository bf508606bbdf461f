# SPDX-License-Identifier: Apache-2.0
"""Megatron's indexed datasets: pairs of a ``.bin`` with token ids and an ``.idx`` beside it."""

from thresher.stages.text.io.megatron.index import MegatronIndex as MegatronIndex
from thresher.stages.text.io.megatron.index import read_index as read_index
from thresher.stages.text.io.megatron.merge import merge_file_prefixes as merge_file_prefixes
from thresher.stages.text.io.megatron.stream import MegatronStream as MegatronStream
