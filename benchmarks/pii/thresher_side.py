# SPDX-License-Identifier: Apache-2.0
"""Find personal data with Thresher: TEXTS ANSWER TYPES."""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["THRESHER_KERNELS"] = "compiled"

import pyarrow as pa

from thresher.stages.text.pii import PiiModifier

asked, answer, types = sys.argv[1:4]
texts = json.loads(Path(asked).read_text())
stage = PiiModifier(supported_entities=types.split(","))
stage.find_column(pa.array(texts[:1]))
column = pa.array(texts, pa.large_string())

start = time.process_time()
found = stage.find_column(column)
seconds = time.process_time() - start

spans = [[(m.start, m.end, m.type) for m in found.get(row, [])] for row in range(len(texts))]
Path(answer).write_text(json.dumps({"spans": spans, "seconds": seconds}))
