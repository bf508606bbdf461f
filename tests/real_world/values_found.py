# SPDX-License-Identifier: Apache-2.0
"""Examples with which the test of values has found something wrong, and what it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tests.real_world.values_data import Cut, Example, Knobs
from tests.real_world.values_parquet_data import shard_of
from tests.real_world.values_stages import Spec


@dataclass(frozen=True)
class Found:
    """An example and what was wrong with it."""

    what: str
    example: Example


def _jsonl(sink: str, stages: tuple[Spec, ...], *files: str, **options: Any) -> Example:
    data = {f"{letter}.jsonl": text.encode() for letter, text in zip("abcd", files, strict=False)}
    return Example("jsonl", sink, data, {}, stages, **options)


def _parquet(sink: str, stages: tuple[Spec, ...], *columns: pa.Array, **options: Any) -> Example:
    tables = {
        f"{letter}.parquet": shard_of(pa.table({"n": column}))
        for letter, column in zip("abcd", columns, strict=False)
    }
    return Example("parquet", sink, {}, tables, stages, **options)


_NO_LISTS = pa.array([], pa.list_(pa.int32()))
_SMALL = ((Cut(), Knobs(batch=1)),)

FOUND: tuple[Found, ...] = (
    Found(
        "a column named __row is refused although fields= leaves it out",
        _jsonl("jsonl", (), '{"__row":1,"n":1}\n', fields=("n",)),
    ),
    Found(
        "types of a column that differ are refused although fields= leaves it out",
        _parquet("parquet", (), pa.array([1]), pa.array(["x"]), fields=()),
    ),
    Found(
        "a file without rows, or whose lists are all null, says something about a type",
        _parquet("parquet", (), pa.array([], pa.int64()), pa.array(["x"])),
    ),
    Found(
        "a part all of whose rows cannot be written leaves an empty file, or fails in Parquet",
        _jsonl("parquet", (), '{"n":"\\ud83d"}\n'),
    ),
    Found(
        "a new column without any value in a batch of JSONL ends its part",
        _jsonl("jsonl", (Spec("adds", None, "", "made", 0, ("null",)),), '{"n":1}\n'),
    ),
    Found(
        "types= does not set records aside where nothing reads the column",
        _jsonl("jsonl", (), '{"n":"x"}\n', types={"n": "int64"}),
    ),
    Found(
        "types={...: 'json'} does not make a column of JSON text in Parquet",
        _jsonl("parquet", (), '{"n":1}\n', types={"n": "json"}),
    ),
    Found(
        "what a user's stage changes is taken for unchanged where a cast loses the difference",
        _jsonl("jsonl", (Spec("adds", None, "", "n", 0, ("k",)),), '{"n":{"k":"v","l":1}}\n'),
    ),
    Found(
        "a record whose names cannot be columns is lost behind a user's stage",
        _jsonl("jsonl", (Spec("tables"),), '{"__row":1}\n'),
    ),
    Found(
        "a column that a stage names is missing in batches without it, where all columns are read",
        _jsonl(
            "parquet", (Spec("filter", "n", "keep"),), '{"a":1}\n' * 3 + '{"n":1}\n',
            knobs=Knobs(sample=1, batch=1),
        ),
    ),
    Found(
        "a whole number that a function gives is 0 or 0.0, by what else is in its batch",
        _jsonl(
            "jsonl", (Spec("score", "n", "numbers", "made"),), '{"n":null}\n{"n":1}\n',
            others=_SMALL,
        ),
    ),
    Found(
        "columns of Parquet stand in another order if the first record of a batch has none",
        _jsonl("parquet", (), '{}\n{"b":1,"a":2}\n', others=_SMALL),
    ),
    Found(
        "an infinity that a function gives, in a list or beside text, is set aside or made text",
        _jsonl("parquet", (Spec("modify", "n", "wrap"),), '{"n":1e400}\n'),
    ),
    Found(
        "Score hands a null over as an empty text, if the batch or the sample has text there",
        _jsonl("jsonl", (Spec("score", "n", "nothing", "made"),), '{"n":"x"}\n{"n":null}\n'),
    ),
    Found(
        "between two Steps 3.0 becomes 3 for functions, and times are written in another form",
        _parquet(
            "jsonl", (),
            pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", "UTC")),
            cut=Cut(2), others=((Cut(2), Knobs(fusion=False)),),
        ),
    ),
    Found(
        "a function that gives back a time64[ns] takes its nanoseconds away",
        _parquet("parquet", (Spec("modify", "n", "some"),), pa.array([5, 3000], pa.time64("ns"))),
    ),
    Found(
        "a function that wraps a timestamp[ns] or duration[ns] takes its nanoseconds away",
        _parquet(
            "jsonl", (Spec("modify", "n", "wrap"),), pa.array([1001], pa.duration("ns")),
        ),
    ),
    Found(
        "an infinity that a function gives beside other lists is set aside, or text, in Parquet",
        _jsonl("parquet", (Spec("modify", "n", "wrap"),), '{"n":[null]}\n{"n":1e400}\n'),
    ),
    Found(
        "-0.0 that a stage of tables writes over whole numbers is 0 or -0.0, by the batch",
        _jsonl(
            "jsonl", (Spec("adds", None, "", "n", 0, ("float64",)),), '{"n":7}\n{}\n',
            others=_SMALL,
        ),
    ),
    Found(
        "the leaves of a column are taken for those of one whose name begins like it, with a dot",
        Example(
            "parquet", "parquet", {},
            {
                "a.parquet": shard_of(pa.table({"a": pa.array([], pa.int64()), "a.b": _NO_LISTS})),
                "b.parquet": shard_of(pa.table({"a": pa.array([0.5], pa.float32())})),
            },
            (),
        ),
    ),
    Found(
        "a column asked to be JSON text is that or plain text, by what a function changed",
        _jsonl(
            "parquet", (Spec("modify", "n", "some"),), '{"n":"a b"}\n{"n":"q"}\n',
            types={"n": "json"}, others=_SMALL,
        ),
    ),
    Found(
        "an infinity beside large whole numbers, in one part of two Steps, is null in JSONL",
        _parquet(
            "jsonl", (), pa.array([2**53]), pa.array([float("inf")]),
            cut=Cut(2), knobs=Knobs(fusion=False),
        ),
    ),
    Found(
        "a type that a stage gives a column of nulls is kept or not, by what else is in the batch",
        _parquet(
            "parquet",
            (Spec("adds", None, "", "n", 0, ("bool",)), Spec("words", "n")),
            pa.array([None, None]), others=((Cut(), Knobs(rows=1)),),
        ),
    ),
    Found(
        "a column whose rows are filtered out before a stage of tables is there or not",
        _jsonl(
            "parquet", (Spec("filter", "two words", "keep"), Spec("polars")),
            '{"two words":"{\\"k\\":1}"}\n{"text":"x"}\n', others=_SMALL,
        ),
    ),
    Found(
        "a number in a list that is close to 0 passes for 0 where whole numbers are asked for",
        _jsonl("jsonl", (), '{"n":[1e-400]}\n{"n":[1]}\n', types={"n": "list<int64>"}),
    ),
    Found(
        "what a function gives as NumPy has it is written otherwise, or set aside, by its batch",
        _jsonl(
            "jsonl", (Spec("score", "n", "arrays", "made"),),
            "".join(f'{{"n":{n}}}\n' for n in range(9)), others=_SMALL,
        ),
    ),
    Found(
        "a duration that a function gives is a number in one unit or another, by its batch",
        _jsonl(
            "jsonl", (Spec("score", "n", "spans", "made"),),
            "".join(f'{{"n":{n}}}\n' for n in range(9)), others=_SMALL,
        ),
    ),
    Found(
        "a dictionary that a stage writes over a column is one or not, by what is in the batch",
        _jsonl(
            "parquet", (Spec("adds", None, "", "n", 0, ("codes",)),), '{"n":{"k":1}}\n{"n":0.5}\n',
            others=_SMALL,
        ),
    ),
    Found(
        "unsigned whole numbers are decimals where a function changes one of them",
        _parquet("parquet", (Spec("modify", "n", "more"),), pa.array([2**53, 0], pa.uint64())),
    ),
)  # fmt: skip
