# SPDX-License-Identifier: Apache-2.0
"""The catalog: what is installed, found once a process, and a recipe's own."""

from __future__ import annotations

from functools import cache

from thresher.catalog.classes import Index
from thresher.catalog.entries import Catalog
from thresher.catalog.sources import Source, import_sources, package_sources, plug_in_sources


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
    if not imports:
        return installed()
    # Not cached: in a notebook one's own file changes while the process lives.
    own = [source for each in imports for source in import_sources(each, folder)]
    return Index([*_installed_sources(), *own]).catalog()


@cache
def installed() -> Catalog:
    """The catalog of the package and installed plug-ins."""
    return Index(_installed_sources()).catalog()


@cache
def _installed_sources() -> list[Source]:
    return [*package_sources(), *plug_in_sources()]
