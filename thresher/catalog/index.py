# SPDX-License-Identifier: Apache-2.0
"""The catalog of a process, made once."""

from __future__ import annotations

from functools import cache

from thresher.catalog.classes import Index
from thresher.catalog.entries import Catalog
from thresher.catalog.sources import import_sources, package_sources, plug_in_sources


@cache
def catalog(imports: tuple[str, ...] = (), folder: str = "") -> Catalog:
    """The catalog of the package, installed plug-ins and a recipe's ``imports``.

    Parameters
    ----------
    imports : tuple[str, ...]
        Modules, packages or ``.py`` files.
    folder : str
        Where ``.py`` files are looked for before the current directory.

    Raises
    ------
    PlanError
        If an import is not found or does not parse, or two public classes share a name.
    """
    sources = [*package_sources(), *plug_in_sources()]
    for each in imports:
        sources += import_sources(each, folder)
    return Index(sources).catalog()
