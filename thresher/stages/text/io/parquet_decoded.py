# SPDX-License-Identifier: Apache-2.0
"""Parquet files whose dictionaries of strings are read as plain strings.

Arrow keeps its own schema in the footer, and makes dictionaries where that has some. It refuses all
of a row group if one value of a dictionary is not UTF-8; plain strings it hands over as they are.
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from thresher.tasks.types import inner_types, with_leaves

_ARROW_SCHEMA = b"ARROW:schema"
_MAGIC = b"PAR1"


def has_dictionaries(file: pq.ParquetFile) -> bool:
    """Whether Arrow makes dictionaries of some of a file's columns."""
    return any(_has_dictionary(field.type) for field in file.schema_arrow)


def footer_without_dictionaries(source: Any, file: pq.ParquetFile) -> pq.FileMetaData:
    """The footer of the file in ``source``, with an Arrow schema that has plain types only.

    Raises
    ------
    pyarrow.ArrowInvalid
        If the footer is not laid out as Arrow lays it out.
    """
    stored = file.metadata.metadata[_ARROW_SCHEMA]
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(stored)))
    plain = base64.b64encode(_plain(schema).serialize().to_pybytes())
    size = source.size()
    source.seek(size - 8)
    length = int.from_bytes(source.read(4), "little")
    source.seek(size - 8 - length)
    footer = source.read(length)
    changed = footer.replace(_as_thrift(stored), _as_thrift(plain))
    return pq.read_metadata(BytesIO(_MAGIC + changed + len(changed).to_bytes(4, "little") + _MAGIC))


def _plain(schema: pa.Schema) -> pa.Schema:
    for at, field in enumerate(schema):
        if _has_dictionary(field.type):
            schema = schema.set(at, field.with_type(with_leaves(field.type, _value_type)))
    return schema


def _value_type(leaf: pa.DataType) -> pa.DataType:
    return _value_type(leaf.value_type) if pa.types.is_dictionary(leaf) else leaf


def _has_dictionary(kind: pa.DataType) -> bool:
    return pa.types.is_dictionary(kind) or any(map(_has_dictionary, inner_types(kind)))


def _as_thrift(data: bytes) -> bytes:
    """Bytes as the compact protocol of Thrift has them: behind their length, 7 bits at a time."""
    length, prefix = len(data), bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + data
