# SPDX-License-Identifier: Apache-2.0
"""Run every benchmark (each folder here with a ``__main__``), one after another.

python -m benchmarks                 all, as they are by default
python -m benchmarks.jsonl_filters   one; --help shows its options
"""

import subprocess
import sys
from pathlib import Path

failed = []
for program in sorted(Path(__file__).parent.glob("*/__main__.py")):
    name = f"benchmarks.{program.parent.name}"
    print(f"\n== {name}", flush=True)
    if subprocess.run([sys.executable, "-m", name], check=False).returncode:
        failed.append(name)
if failed:
    sys.exit(f"failed: {', '.join(failed)}")
