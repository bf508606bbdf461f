# SPDX-License-Identifier: Apache-2.0
"""Files: the only place that opens, lists or publishes a path."""

from thresher.storage.failures import failures as failures
from thresher.storage.listing import COMPRESSION_ENDINGS as COMPRESSION_ENDINGS
from thresher.storage.listing import FileInfo as FileInfo
from thresher.storage.listing import Listing as Listing
from thresher.storage.listing import base_of as base_of
from thresher.storage.listing import begins_compressed as begins_compressed
from thresher.storage.listing import frequent_endings as frequent_endings
from thresher.storage.listing import is_glob as is_glob
from thresher.storage.listing import is_version as is_version
from thresher.storage.listing import list_entry as list_entry
from thresher.storage.listing import list_files as list_files
from thresher.storage.listing import stat as stat
from thresher.storage.opening import open_arrow as open_arrow
from thresher.storage.opening import open_read as open_read
from thresher.storage.opening import open_write as open_write
from thresher.storage.paths import Places as Places
from thresher.storage.paths import absolute as absolute
from thresher.storage.paths import is_local as is_local
from thresher.storage.paths import is_same_or_below as is_same_or_below
from thresher.storage.paths import portable_name as portable_name
from thresher.storage.paths import portable_path as portable_path
from thresher.storage.paths import printable as printable
from thresher.storage.paths import resolved as resolved
from thresher.storage.paths import scheme_of as scheme_of
from thresher.storage.sizes import parse_size as parse_size
from thresher.storage.store import Store as Store
from thresher.storage.store import store_for as store_for
