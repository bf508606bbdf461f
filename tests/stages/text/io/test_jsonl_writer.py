# SPDX-License-Identifier: Apache-2.0
"""What the JSONL writer leaves to the letter, and what it writes anew."""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stages.text.io.jsonl_files import group, json_table, read_batch, written
from thresher.errors import DataError, PlanError
from thresher.stages.reading import ReadPlan
from thresher.stages.text.io import JsonlReaderStage, JsonlWriter
from thresher.stages.text.io.jsonl_splice import splice_record
from thresher.tasks import RAW, DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.json_written import as_json
from thresher.tasks.types import json_field

TRICKY = (
    b'{"id": 1, "text": "a\\nb\\u00e9", "big": 123456789012345678901234567890, '
    b'"z": {"b":1.0,"a":[]}}\n'
    b'  {"text":"x" , "id":2}\n'
    b'{"id":3}\r\n'
    b"{ }\n"
    b'{"text":"r","x":0,"x":1,"k":1}\n'
    b'{"te\\u0078t":null,"1e5":1E5}'
)


@pytest.fixture(params=["plain", "compiled"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THRESHER_KERNELS", request.param)


@pytest.fixture
def tricky(tmp_path: Path) -> DocumentBatch:
    """Its columns are all keys but ``x``, which occurs twice in one of the records."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(TRICKY)
    return read_batch(path, ["id", "text", "big", "z", "k", "1e5"])


def write(batch: DocumentBatch, tmp_path: Path, **arguments: Any) -> bytes:
    return written(JsonlWriter(str(tmp_path), **arguments), batch, tmp_path / "out.jsonl")


def text(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.large_string())


def test_untouched_records_to_the_letter(tricky: DocumentBatch, tmp_path: Path) -> None:
    assert write(tricky, tmp_path) == TRICKY + b"\n"
    kept = tricky.with_data(tricky.data.filter(pa.array([True, False, True, True, False, True])))
    lines = [TRICKY.split(b"\n")[i] + b"\n" for i in (0, 2, 3, 5)]
    assert write(kept, tmp_path) == b"".join(lines)
    assert write(tricky.with_data(tricky.data.slice(1, 2)), tmp_path) == b"".join(
        line + b"\n" for line in TRICKY.split(b"\n")[1:3]
    )


def test_changed_column(tricky: DocumentBatch, tmp_path: Path) -> None:
    new = text(["a\nbé", 'X"\\\x01é', "new", "", "R", "\u2028"])
    assert write(tricky.with_column("text", new), tmp_path).splitlines() == [
        # Equal to what was read: its escapes stay.
        TRICKY.splitlines()[0],
        '  {"text":"X\\"\\\\\\u0001é" , "id":2}'.encode(),
        b'{"id":3,"text":"new"}',
        b'{ "text":""}',
        b'{"text":"R","x":0,"x":1,"k":1}',
        '{"te\\u0078t":"\u2028","1e5":1E5}'.encode(),
    ]


def test_column_set_to_null(tricky: DocumentBatch, tmp_path: Path) -> None:
    lines = write(tricky.with_column("text", text([None] * 6)), tmp_path).splitlines()
    assert lines[1:5] == [
        b'  {"text":null , "id":2}', b'{"id":3}', b"{ }", b'{"text":null,"x":0,"x":1,"k":1}'
    ]  # fmt: skip


def test_removed_columns(tricky: DocumentBatch, tmp_path: Path) -> None:
    less = tricky.with_data(tricky.data.drop_columns(["id", "text", "k"]))
    assert write(less, tmp_path).splitlines() == [
        b'{ "big": 123456789012345678901234567890, "z": {"b":1.0,"a":[]}}',
        b"  {}",
        b"{}",
        b"{ }",
        b'{"x":0,"x":1}',
        b'{"1e5":1E5}',
    ]


def test_added_columns(tricky: DocumentBatch, tmp_path: Path) -> None:
    more = tricky.with_column("n", pa.array([1, None, 3, 4, 5, 6])).with_column(
        "f", pa.array([0.5, float("nan"), 1e300, -0.0, 3, None])
    )
    more = more.with_data(more.data.drop_columns(["id"]))
    lines = write(more, tmp_path).splitlines()
    assert lines[1:] == [
        b'  {"text":"x" ,"n":null,"f":null}',
        b'{"n":3,"f":1e+300}',
        b'{ "n":4,"f":-0.0}',
        b'{"text":"r","x":0,"x":1,"k":1,"n":5,"f":3.0}',
        b'{"te\\u0078t":null,"1e5":1E5,"n":6,"f":null}',
    ]


def test_a_key_that_occurs_twice_is_written_once(tricky: DocumentBatch, tmp_path: Path) -> None:
    lines = write(tricky.with_column("x", pa.array([1, None, 3, 4, 5, 6])), tmp_path).splitlines()
    assert lines[1:5] == [
        b'  {"text":"x" , "id":2,"x":null}', b'{"id":3,"x":3}', b'{ "x":4}',
        b'{"text":"r","x":5,"k":1}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "bad"),
    [
        (pa.array([1.0, math.inf, None, -math.inf, math.nan, 0.5]), [1, 3]),
        (pa.array([[1.0], [math.inf], None, [], [math.nan], [-math.inf]]), [1, 5]),
        (pa.array([{"a": {"b": v}} for v in (1.0, math.inf, None, math.nan, 2, 3)]), [1]),
        (pa.array([math.nan] * 6), []),
    ],
)
def test_an_infinity_is_not_written(
    tricky: DocumentBatch, tmp_path: Path, values: pa.Array, bad: list[int]
) -> None:
    batch = tricky.with_column("f", values)
    if not bad:
        assert write(batch, tmp_path).splitlines()[3] == b'{ "f":null}'
        return
    stream = JsonlWriter(str(tmp_path)).stream(str(tmp_path / "out.jsonl"))
    with pytest.raises(BadRows) as caught:
        stream.write(batch)
    stream.close()

    what = "column 'f' holds an infinity, which JSON cannot express"
    assert caught.value.reasons == dict.fromkeys(bad, what)
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    less = batch.with_data(caught.value.others(batch.data))
    assert len(write(less, tmp_path).splitlines()) == 6 - len(bad)


def test_an_infinity_in_a_column_that_is_carried_is_the_record_s(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1e999}\n{"n":1}\n')
    assert write(read_batch(path), tmp_path) == path.read_bytes()


def test_a_column_that_was_not_parsed_is_replaced_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"score":1.50,"text":"a"}\n{"score":2,"text":"b"}\n{"score":null}\n')
    batch = read_batch(path, ["text"]).with_column("score", pa.array([1.5, 3.5, None]))
    assert write(batch, tmp_path) == (
        b'{"score":1.50,"text":"a"}\n{"score":3.5,"text":"b"}\n{"score":null}\n'
    )


def test_rows_without_a_record_are_encoded(tricky: DocumentBatch, tmp_path: Path) -> None:
    table = tricky.data.select(["id", "text", RAW])
    raw = table.column(RAW).to_pylist()
    raw[1] = raw[2] = raw[5] = None
    table = table.set_column(2, RAW, pa.array(raw, pa.large_binary()))
    batch = tricky.evolve(data=table, _parsed=frozenset(("id", "text")))
    lines = write(batch, tmp_path).splitlines()
    assert lines[1:3] == [b'{"id":2,"text":"x"}', b'{"id":3,"text":null}']
    assert lines[0] == TRICKY.splitlines()[0]


def test_encoding_of_types(tmp_path: Path) -> None:
    moment = datetime.datetime(2024, 5, 6, 7, 8, 9, 120_000)
    table = pa.table(
        {
            "text": pa.array(["é\n", None]),
            "view": pa.array(["v", None], pa.string_view()),
            "int": pa.array([2**63 - 1, None]),
            "float": [0.1, float("nan")],
            "bool": [True, None],
            "none": pa.nulls(2),
            "when": pa.array([moment, None]),
            "zoned": pa.array([moment, None], pa.timestamp("ns", "Europe/Berlin")),
            "day": [moment.date(), None],
            "time": [moment.time(), None],
            "bytes": [b"\x00\xff", None],
            "decimal": [decimal.Decimal("12.50"), None],
            "list": [[1, None, float("nan")], None],
            "struct": [{"a": b"x", "t": moment}, None],
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
            "dict": pa.array(["x", None]).dictionary_encode(),
        }
    )
    table = table.append_column(json_field("json"), text(['{"b": 1.0}', None]))
    first, second = written(
        JsonlWriter(str(tmp_path)), DocumentBatch("set", table), tmp_path / "o"
    ).splitlines()
    assert first.decode() == (
        '{"text":"é\\n","view":"v","int":9223372036854775807,"float":0.1,"bool":true,"none":null,'
        '"when":"2024-05-06T07:08:09.120000","zoned":"2024-05-06T07:08:09.120000000Z",'
        '"day":"2024-05-06","time":"07:08:09.120000","bytes":"AP8=","decimal":12.50,'
        '"list":[1.0,null,null],"struct":{"a":"eA==","t":"2024-05-06T07:08:09.120000"},'
        '"map":[["k",1]],"dict":"x","json":{"b": 1.0}}'
    )
    assert set(json.loads(second).values()) == {None}


def test_encodings_stand_for_their_values(tmp_path: Path) -> None:
    views = pa.array([[9], [1, 2], None], pa.list_view(pa.int64())).slice(1)
    objects = pa.DictionaryArray.from_arrays(pa.array([0, None]), pa.array([{"a": 1}]))
    table = pa.table(
        {
            "ends": pc.run_end_encode(pa.array([1, 1])),
            "coded": pa.array([2**60, None]).dictionary_encode(),
            "objects": objects,
            "views": views,
            "times": pa.array(
                [[("k", 1_700_000_000_000_000_001)], None], pa.map_(pa.string(), pa.timestamp("ns"))
            ),
        }
    )
    assert write(DocumentBatch("set", table), tmp_path).decode().splitlines() == [
        '{"ends":1,"coded":1152921504606846976,"objects":{"a":1},"views":[1,2],'
        '"times":[["k","2023-11-14T22:13:20.000000001"]]}',
        '{"ends":1,"coded":null,"objects":null,"views":null,"times":null}',
    ]


def test_no_rows_and_no_columns(tmp_path: Path) -> None:
    empty = DocumentBatch("set", pa.table({"a": pa.array([], pa.int64())}))
    assert write(empty, tmp_path) == b""
    assert write(read_empty(tmp_path), tmp_path) == b""
    bare = DocumentBatch("set", pa.table({"__row": [0, 1, 2]}))
    assert write(bare, tmp_path) == b"{}\n" * 3
    assert write(bare, tmp_path, fields=[]) == b"{}\n" * 3


def test_json_columns_are_written_as_they_are(tmp_path: Path) -> None:
    table = json_table(m=['{"b": 1.0,"a":[ ]}', None, "1e400", '"\\ud800"'])
    assert write(DocumentBatch("set", table), tmp_path) == (
        b'{"m":{"b": 1.0,"a":[ ]}}\n{"m":null}\n{"m":1e400}\n{"m":"\\ud800"}\n'
    )


def read_empty(tmp_path: Path) -> DocumentBatch:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a"}\n')
    batch = read_batch(path)
    return batch.with_data(batch.data.slice(0, 0)).with_column("n", pa.array([], pa.int64()))


def test_fields(tricky: DocumentBatch, tmp_path: Path) -> None:
    assert write(tricky, tmp_path, fields=["text", "id"]).splitlines()[0] == (
        '{"text":"a\\nbé","id":1}'.encode()
    )
    with pytest.raises(DataError, match="no column 'nope'"):
        write(tricky, tmp_path, fields=["nope"])


def test_ascii_and_compression(tricky: DocumentBatch, tmp_path: Path) -> None:
    writer = JsonlWriter(
        str(tmp_path / "out"), write_kwargs={"compression": "gz", "force_ascii": True}
    )
    assert writer.file_extension == "jsonl.gz"
    batch = tricky.with_column("text", text(["é😀"] * 6))
    (path,) = writer.process(batch).data
    assert writer.count_rows(path) == 6
    data = gzip.decompress(Path(path).read_bytes())
    assert data.isascii()
    assert json.loads(data.splitlines()[1])["text"] == "é😀"
    assert Path(writer.process(batch).data[0]).read_bytes() == Path(path).read_bytes()
    assert JsonlWriter("x", "jsonl.zst")._compression == "zstd"


def test_a_stream_of_batches(tricky: DocumentBatch, tmp_path: Path) -> None:
    writer = JsonlWriter(str(tmp_path), write_kwargs={"compression": "zst"})
    stream = writer.stream(str(tmp_path / "temporary"))
    stream.write(tricky)
    stream.write(tricky.with_data(tricky.data.slice(0, 1)))
    stream.close()
    assert writer.count_rows(str(tmp_path / "temporary")) == 7


def test_a_tampered_record_is_an_error(tricky: DocumentBatch, tmp_path: Path) -> None:
    raw = pa.array([b"{\n"] * 6, pa.large_binary())
    index = tricky.data.schema.get_field_index(RAW)
    batch = tricky.with_data(tricky.data.set_column(index, RAW, raw))
    with pytest.raises(DataError, match="__raw"):
        write(batch.with_column("text", text(["x"] * 6)), tmp_path)


@pytest.mark.parametrize("options", [{"orient": "records"}, {"compression": "rar"}])
def test_mistakes(options: dict[str, str]) -> None:
    with pytest.raises(PlanError):
        JsonlWriter("out", write_kwargs=options)


KEYS = ["a", "b", "c", "d"]
VALUES = st.sampled_from(
    ["1", '"x"', '"\\n\\u00e9"', "null", "[1, {}]", "true", '"long %s"' % ("y" * 99)]
)
SPACE = st.sampled_from(["", " ", "\t "])


@st.composite
def records(draw: st.DrawFn) -> str:
    members = [
        f"{draw(SPACE)}{json.dumps(key)}{draw(SPACE)}:{draw(SPACE)}{draw(VALUES)}{draw(SPACE)}"
        for key in draw(st.lists(st.sampled_from([*KEYS, "e"]), max_size=6))
    ]
    inside = ",".join(members) or draw(SPACE)
    return f"{draw(SPACE)}{{{inside}}}{draw(SPACE)}"


@given(
    st.lists(records(), min_size=1, max_size=5),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["change", "remove", "add"])),
    st.randoms(use_true_random=False),
)
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_splicing_is_its_plain_definition(
    tmp_path: Path, lines: list[str], edits: dict[str, str], random: Any
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(line + "\n" for line in lines))
    parsed = tuple(key for key, edit in edits.items() if edit != "add")
    plan = ReadPlan(parsed, carry=True, always=parsed)
    (batch,) = JsonlReaderStage(duplicate_keys="last").bind(plan).process(group(path))
    carried = batch.data.column(RAW).to_pylist()
    new: list[dict[str, bytes | None]] = [{} for _ in lines]
    removed = [key for key, edit in edits.items() if edit == "remove"]
    for key, edit in edits.items():
        if edit == "remove":
            continue
        values = [random.choice([f"new {i}", "é\n" * 50]) for i in range(len(lines))]
        batch = batch.with_column(key, text(values))
        for row, value in zip(new, values, strict=True):
            row[key] = as_json(value).encode()
    batch = batch.with_data(batch.data.drop_columns(removed))
    # The order of new keys is that of the columns.
    order = batch.get_columns()
    expected = []
    for record, row in zip(carried, new, strict=True):
        ordered: dict[str, bytes | None] = {key: row[key] for key in order}
        expected.append(splice_record(record, ordered | dict.fromkeys(removed)))
    got = write(batch, tmp_path)
    assert got == b"".join(expected)
    for line, before, row in zip(got.splitlines(), lines, new, strict=True):
        meant = {**json.loads(before), **{k: json.loads(v) for k, v in row.items() if v}}
        assert json.loads(line) == {k: v for k, v in meant.items() if k not in removed}
