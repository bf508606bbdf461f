# SPDX-License-Identifier: Apache-2.0
"""Another interpreter: an environment of its own, with a package that nobody else has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import thresher
from thresher.stages.base import ProcessingStage
from thresher.tasks import DocumentBatch


def other_python(folder: Path) -> str:
    """The interpreter of an environment with this one's packages, and one more."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "only_there.py").write_text("def told(text):\n    return text[::-1]\n")
    root = Path(thresher.__file__).parents[1]
    own = [path for path in sys.path if "site-packages" in path]
    (packages / "ours.pth").write_text("\n".join([str(root), *own]))
    return str(folder / "bin" / "python")


class Reverse(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Uses the package, and dies of a word."""

    name = "reverse"
    rows = "same"

    def process(self, task: DocumentBatch) -> DocumentBatch:
        import only_there  # type: ignore[import-not-found]

        texts = task.data.column("text").to_pylist()
        if any("poison" in text for text in texts):
            sys.exit(3)
        return task.with_column("text", [only_there.told(text) for text in texts])
