# SPDX-License-Identifier: Apache-2.0
"""Files: the only place that opens, lists or publishes a path."""

from thresher.storage.failures import failures as failures
from thresher.storage.listing import FileInfo as FileInfo
from thresher.storage.listing import base_of as base_of
from thresher.storage.listing import is_glob as is_glob
from thresher.storage.listing import list_files as list_files
from thresher.storage.listing import stat as stat
from thresher.storage.opening import open_arrow as open_arrow
from thresher.storage.opening import open_read as open_read
from thresher.storage.opening import open_write as open_write
from thresher.storage.paths import absolute as absolute
from thresher.storage.paths import is_local as is_local
from thresher.storage.sizes import parse_size as parse_size
from thresher.storage.store import Store as Store
from thresher.storage.store import store_for as store_for
