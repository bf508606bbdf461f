# SPDX-License-Identifier: Apache-2.0
"""The program that compiles kernels beside a run: ``python -m thresher.kernels.compiler M:LOCK...``

``M`` names a module of this package, ``LOCK`` the descriptor of its locked file. Kernels are
compiled by being called on a small text, as callers call them.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module

from thresher.kernels.arrow_text import sample


def compile_module(name: str) -> None:
    """Compile all that ``thresher.kernels.<name>`` gives its callers, by calling it."""
    module = import_module(f"thresher.kernels.{name}")
    if hasattr(module, "compile_all"):
        module.compile_all()
    else:
        module.signals(*sample())


def main(arguments: list[str]) -> None:
    """Compile each module and let go of its lock."""
    gc.disable()  # a twelfth of the time
    for number, argument in enumerate(arguments):
        if number == 1:
            os.nice(19)  # what the run waits for came first
        module, _, lock = argument.rpartition(":")
        with suppress(Exception):  # whoever needs the kernel compiles it, and tells what is wrong
            compile_module(module)
        os.close(int(lock))


if __name__ == "__main__":
    main(sys.argv[1:])
