# SPDX-License-Identifier: Apache-2.0
"""An index of everything a recipe can name, read from source and imported on use.

Classes are found by parsing files, never by importing them: looking a name up stays cheap however
many models and libraries the other classes need. A class is listed when it descends from one of
``ROOTS``, is public, and leaves nothing abstract.
"""

from thresher.catalog.entries import KINDS as KINDS
from thresher.catalog.entries import PART as PART
from thresher.catalog.entries import Catalog as Catalog
from thresher.catalog.entries import Entry as Entry
from thresher.catalog.entries import own_file as own_file
from thresher.catalog.index import catalog as catalog
from thresher.catalog.sources import import_sources as import_sources
