# SPDX-License-Identifier: Apache-2.0
"""Call kernels as the package does, each by the code that it is there for."""

import json

import numpy as np
import pyarrow as pa

from thresher.stages.text.filters.signals import KERNELS, SignalMemo
from thresher.stages.text.io.jsonl_columns import text
from thresher.stages.text.io.jsonl_encode import encode_rows, gather
from thresher.stages.text.io.jsonl_scan import PADDING, scan

TEXTS = ["Some words, and\n• a line...", "", "é https://a.b #x \n\n two words two words"] * 3


def call(module: str) -> None:
    """Call ``thresher.kernels.<module>``."""
    if module == "jsonl":
        lines = b"".join(json.dumps({"text": t}).encode() + b"\n" for t in TEXTS)
        buffer = np.frombuffer(bytearray(lines + bytes(PADDING)), np.uint8)
        assert text(scan(buffer, len(lines), ["text"], 100), 0).to_pylist() == TEXTS
    elif module == "jsonl_write":
        encoded = encode_rows(pa.table({"text": pa.array(TEXTS, pa.large_string())}))
        assert [json.loads(line)["text"] for line in encoded.tobytes().splitlines()] == TEXTS
        at = np.zeros(1, np.int64)
        gather(encoded, encoded, np.zeros(1, np.bool_), at, at + 1)
    else:
        names = [
            f"{name}:2" if name.endswith("ngram_characters") else name for name in KERNELS[module]
        ]
        assert SignalMemo().get(pa.array(TEXTS), names) is not None
