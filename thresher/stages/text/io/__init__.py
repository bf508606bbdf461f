# SPDX-License-Identifier: Apache-2.0
"""Read and write documents."""

from thresher.stages.text.io.jsonl import JsonlReaderStage as JsonlReaderStage
from thresher.stages.text.io.parquet import ParquetReaderStage as ParquetReaderStage
from thresher.stages.text.io.reader import JsonlReader as JsonlReader
from thresher.stages.text.io.reader import ParquetReader as ParquetReader
from thresher.stages.text.io.writer import JsonlWriter as JsonlWriter
from thresher.stages.text.io.writer import MegatronTokenizerWriter as MegatronTokenizerWriter
from thresher.stages.text.io.writer import PackedSequenceWriter as PackedSequenceWriter
from thresher.stages.text.io.writer import ParquetWriter as ParquetWriter
