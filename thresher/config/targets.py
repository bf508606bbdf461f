# SPDX-License-Identifier: Apache-2.0
"""``_target_``: something of the catalog named by its full path; nothing else is imported."""

from __future__ import annotations

from importlib import import_module

from thresher.catalog import Catalog, Entry
from thresher.errors import PlanError

TARGET = "_target_"

_ROOMS = ("thresher.stages.", "thresher.backends.")


def find_target(path: object, known: Catalog) -> Entry:
    """The entry at ``package.module.Class``, where it is defined or where a package offers it.

    Raises
    ------
    PlanError
        If there is none: whatever else a module holds is not for recipes.
    """
    if not isinstance(path, str) or "." not in path:
        raise PlanError(
            f"{path!r} is not the path of a class",
            todo="write e.g. thresher.stages.checkpoint.Checkpoint",
        )
    if path.startswith("nemo_curator."):
        raise PlanError(
            f"{path} is a class of NeMo Curator",
            todo=f"write thresher.{path.partition('.')[2]}, or just {path.rpartition('.')[2]}",
        )
    module, _, name = path.rpartition(".")
    entry = known.entries.get(name)
    if entry is None or not (entry.module == module or _offers(module, entry)):
        raise PlanError(
            f"{path} is no stage, filter, modifier or executor of Thresher, of an installed "
            "plug-in or of what the recipe imports",
            todo=f"`thresher show {name}` shows where it is"
            if entry is not None
            else "`thresher list` shows what there is; a module of your own goes below imports:",
        )
    return entry


def _offers(module: str, entry: Entry) -> bool:
    """Whether a package beside the entry's own module, or above it, has it under its name."""
    is_above = entry.module.startswith(f"{module}.") and not entry.own
    if not (is_above or module.startswith(_ROOMS)):
        return False
    try:
        return getattr(import_module(module), entry.name, None) is entry.load()
    except ImportError:
        return False
