# SPDX-License-Identifier: Apache-2.0
"""The tools Thresher is measured beside, each in an environment of its own, at a stated version."""

import dataclasses
import subprocess
import sys
from pathlib import Path

from benchmarks import cache


@dataclasses.dataclass(frozen=True)
class Peer:
    """A published tool: its package, the version measured, what must come before and beside it."""

    package: str
    version: str
    before: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.package} {self.version}"

    def python(self) -> Path:
        """Return the interpreter of the peer's environment; make the environment if need be."""
        home = cache.folder("peers") / f"{self.package}-{self.version}"
        interpreter = home / "bin" / "python"
        if not self._installed(interpreter):
            subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
            install = [interpreter, "-m", "pip", "install", "-q"]
            for packages in (self.before, (f"{self.package}=={self.version}", *self.beside)):
                if packages:
                    subprocess.run([*install, *packages], check=True, stdout=sys.stderr)
        return interpreter

    def _installed(self, interpreter: Path) -> bool:
        ask = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        if not interpreter.exists():
            return False
        answer = subprocess.run([interpreter, "-c", ask], capture_output=True, check=False)
        return answer.stdout.decode().strip() == self.version


# With this torch there, the resolver leaves the gigabytes of a CUDA build alone.
NEMO_CURATOR = Peer("nemo-curator", "1.4.0", before=("torch==2.13.0",))
DATATROVE = Peer("datatrove", "0.10.1", beside=("orjson", "regex", "zstandard"))
