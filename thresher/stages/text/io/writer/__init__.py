# SPDX-License-Identifier: Apache-2.0
"""Writers of documents."""

from thresher.stages.text.io.writer.jsonl import JsonlWriter as JsonlWriter
from thresher.stages.text.io.writer.megatron_tokenizer import (
    MegatronTokenizerWriter as MegatronTokenizerWriter,
)
from thresher.stages.text.io.writer.packed_sequence import (
    PackedSequenceWriter as PackedSequenceWriter,
)
from thresher.stages.text.io.writer.parquet import ParquetWriter as ParquetWriter
