# SPDX-License-Identifier: Apache-2.0
"""Modify: applies modifiers to columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thresher.errors import PlanError
from thresher.stages.base import TEXT, Columns, ProcessingStage
from thresher.stages.filtering import text_of, values_of, with_values
from thresher.stages.text import arguments
from thresher.stages.text.modifiers.document_modifier import DocumentModifier
from thresher.tasks import DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.casting import cast_exactly
from thresher.tasks.columns import from_numpy
from thresher.tasks.joining import join
from thresher.tasks.json_numbers import is_negative_zero
from thresher.tasks.json_text import are_alike, nanoseconds_of
from thresher.tasks.own_values import own_values
from thresher.tasks.types import guessed, is_asked, is_guessed, json_field

_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}

Modifier = DocumentModifier | Callable[..., Any]


class Modify(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Change columns, row by row.

    Parameters
    ----------
    modifier_fn : DocumentModifier | function | list of them
        Modifiers of a list are applied one after another. A function is given the value as JSON
        has it.
    input_fields : str | list[str] | list[list[str]]
        The column to change: one for all modifiers or one for each. A modifier given several
        columns is called with keyword arguments named like them.
    output_fields : str | list[str | None] | None
        Where results go; in place of the input when not given. A modifier of several columns must
        be given one.
    name : str | None
        The stage's name; that of the modifier or function, or of the chain, when not given.

    Raises
    ------
    PlanError
        If lists differ in length or a modifier of several columns has no output.

    Notes
    -----
    A null input stays null without a call; of several inputs null is passed on as ``None``.
    """

    rows = "same"

    def __init__(
        self,
        modifier_fn: Modifier | Sequence[Modifier],
        input_fields: str | Sequence[str] | Sequence[Sequence[str]] = "text",
        output_fields: str | Sequence[str | None] | None = None,
        name: str | None = None,
    ) -> None:
        where = "Modify"
        self.modifiers: list[Any] = arguments.one_or_many(modifier_fn, "modifier_fn", where)
        for rule in self.modifiers:
            if not callable(rule) and not isinstance(rule, DocumentModifier):
                raise arguments.WrongTypeError(
                    f"modifier_fn holds a {type(rule).__name__}",
                    where=where,
                    todo="give functions or DocumentModifiers",
                )
            if isinstance(rule, type) and issubclass(rule, DocumentModifier):
                raise arguments.WrongTypeError(
                    f"modifier_fn holds the class {rule.__name__}",
                    where=where,
                    todo=f"make one: {rule.__name__}()",
                )
        self.inputs_of = _inputs(input_fields, len(self.modifiers), where)
        self.output_of = _outputs(output_fields, self.inputs_of, where)
        names = [arguments.name_of(rule) for rule in self.modifiers]
        self.name = name or names[0]
        if not name and len(names) > 1:
            self.name = f"modifier_chain_of_{'_'.join(names)}"

    def inputs(self) -> Columns:
        """The columns read, sorted."""
        return ["data"], sorted({field for fields in self.inputs_of for field in fields})

    def input_kinds(self) -> dict[str, str]:
        """Text, where modifiers change it."""
        pairs = zip(self.modifiers, self.inputs_of, strict=True)
        return {
            field: TEXT
            for rule, fields in pairs
            if isinstance(rule, DocumentModifier) and len(fields) == 1
            for field in fields
        }

    def outputs(self) -> Columns:
        """The columns written, sorted."""
        return ["data"], sorted(set(self.output_of))

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """All rows, with the columns changed; a column in which nothing changes is left alone."""
        for rule, fields, output in zip(
            self.modifiers, self.inputs_of, self.output_of, strict=True
        ):
            if isinstance(rule, DocumentModifier) and len(fields) == 1:
                column = text_of(task, fields[0], self.name)
                made = rule.modify_with(column)
                if [output] != fields or made is not column:
                    task = task.with_column(output, made)
            else:
                task = self._called(task, rule, fields, output)
        return task

    def _called(
        self, task: DocumentBatch, rule: Any, fields: list[str], output: str
    ) -> DocumentBatch:
        """The batch with what a function, or a modifier of several columns, makes of each row."""
        function = rule.modify_document if isinstance(rule, DocumentModifier) else rule
        before = [values_of(task, field, self.name) for field in fields]
        if len(fields) > 1:
            rows = zip(*before, strict=True)
            made = [function(**dict(zip(fields, row, strict=True))) for row in rows]
        else:
            made = [None if value is None else function(value) for value in before[0]]
            if [output] == fields:
                # A function may change a list or an object in place: what was there is read again.
                changeable = any(isinstance(value, list | dict) for value in made)
                old = values_of(task, output, self.name) if changeable else before[0]
                same = list(map(_same, made, old))
                task = _told_by_values(task, output)
                if all(same):
                    return task
                return _changed(task, output, made, old, np.array(same, np.bool_))
        return with_values(task, output, made)


def _changed(
    task: DocumentBatch, name: str, made: list[Any], old: list[Any], same: NDArray[np.bool_]
) -> DocumentBatch:
    """The batch with a column in which some values are new; the ``same`` ones stay in their type.

    What Python makes of a value may be less than the value: times lose their nanoseconds. A new
    value that only differs from the old one as JSON spells it, 1.0 from 1, is kept as JSON.
    """
    alone = task.with_data(task.data.select([name]))
    kept = alone.with_data(alone.data.filter(from_numpy(same)))
    places = np.flatnonzero(~same)
    fresh = alone.with_data(alone.data.filter(from_numpy(~same)))
    values = [made[place] for place in places]
    try:
        own = own_values(values, name)
        is_spelling = any(
            type(value) is not str and are_alike(value, old[place])
            for value, place in zip(own, places, strict=True)
            if value is not None
        )
        new = _in_unit_of(fresh, name, own)
        if new is None:
            new = _as_unsigned(
                fresh, name, with_values(fresh, name, values, keeps_json=is_spelling)
            )
    except BadRows as error:
        reasons = {int(places[at]): reason for at, reason in error.reasons.items()}
        raise BadRows(reasons) from None
    both = join([kept, new]).data if kept.num_items else new.data
    order = np.argsort(np.concatenate([np.flatnonzero(same), places]))
    column = both.column(name).take(from_numpy(order))
    changed = task.with_column(name, column)
    index = changed.data.schema.get_field_index(name)
    table = changed.data.set_column(index, both.schema.field(name), column)
    return changed.evolve(data=table)


def _as_unsigned(old: DocumentBatch, name: str, new: DocumentBatch) -> DocumentBatch:
    """The batch with new whole numbers in uint64, where the old ones are in that and it holds them.

    No integer holds those of uint64 and of int64, so that together they would be decimals.
    """
    column = new.data.column(name).combine_chunks()
    if old.data.schema.field(name).type != pa.uint64() or not pa.types.is_integer(column.type):
        return new
    made, misfits = cast_exactly(column, pa.uint64())
    return new if misfits.any() else new.with_column(name, made)


def _in_unit_of(task: DocumentBatch, name: str, values: list[Any]) -> DocumentBatch | None:
    """The batch with durations in the unit that a file has them in; None if it has none there.

    In another unit those of the file beside them would become other numbers.

    Raises
    ------
    BadRows
        For durations of which the unit has no number.
    """
    field = task.data.schema.field(name)
    if not pa.types.is_duration(field.type) or is_guessed(field):
        return None
    told, bad = list(values), {}
    for at, value in enumerate(values):
        if isinstance(value, timedelta):
            told[at], rest = divmod(nanoseconds_of(value), _NANOSECONDS[field.type.unit])
            if rest or abs(told[at]) >= 2**63:
                bad[at] = (
                    f"column {name!r} has durations in {field.type.unit!r}, of which {value} is no "
                    f"whole number; types= on the reader gives it a finer unit"
                )
    if bad:
        raise BadRows(bad)
    if all(isinstance(value, timedelta) or value is None for value in values):
        return task.with_column(name, pa.array(told, pa.int64()).cast(field.type))
    return with_values(task, name, told)


def _told_by_values(task: DocumentBatch, name: str) -> DocumentBatch:
    """The batch with a column that nobody asks to be JSON text any more: a function makes it."""
    index = task.data.schema.get_field_index(name)
    if not is_asked(task.data.schema.field(index)):
        return task
    column = task.data.column(index)
    return task.evolve(data=task.data.set_column(index, guessed(json_field(name)), column))


def _same(new: Any, old: Any) -> bool:
    """Whether a value is the old one to the letter: not 1.0 for 1, nor keys in another order."""
    if type(new) is not type(old):
        return False
    if isinstance(new, dict):
        return list(new) == list(old) and all(_same(new[key], old[key]) for key in new)
    if isinstance(new, list):
        return len(new) == len(old) and all(map(_same, new, old))
    if isinstance(new, Decimal):
        return str(new) == str(old)
    if is_negative_zero(new) != is_negative_zero(old):
        return False
    return new is old or bool(new == old)


def _inputs(given: Any, count: int, where: str) -> list[list[str]]:
    """The input columns of each modifier."""
    if given is None or (isinstance(given, list | tuple) and not given):
        raise PlanError("input_fields names no column", where=where, todo="name a column")
    if not isinstance(given, str | list | tuple):
        raise arguments.WrongTypeError(
            f"input_fields is a {type(given).__name__}", where=where, todo="name columns"
        )
    each: list[Any] = [given] * count if isinstance(given, str) else list(given)
    if len(each) == 1:
        each *= count
    if len(each) != count:
        raise PlanError(
            f"input_fields has {len(each)} entries for {count} modifiers",
            where=where,
            todo="give one entry for each modifier",
        )
    fields = [list(entry) if isinstance(entry, list | tuple) else [entry] for entry in each]
    for own in fields:
        if not own:
            raise PlanError("input_fields has an empty entry", where=where, todo="name a column")
        arguments.column_names(own, "input_fields", where, optional=False)
    return fields


def _outputs(given: Any, inputs: list[list[str]], where: str) -> list[str]:
    """The output column of each modifier."""
    count = len(inputs)
    if given is not None and not isinstance(given, str | list | tuple):
        raise arguments.WrongTypeError(
            f"output_fields is a {type(given).__name__}", where=where, todo="name columns"
        )
    each: list[Any] = list(given) if isinstance(given, list | tuple) else [given] * count
    if len(each) == 1:
        each *= count
    if len(each) != count:
        raise PlanError(
            f"output_fields has {len(each)} entries for {count} modifiers",
            where=where,
            todo="give one entry for each modifier",
        )
    arguments.column_names(each, "output_fields", where, optional=True)
    for fields, output in zip(inputs, each, strict=True):
        if output is None and len(fields) > 1:
            raise PlanError(
                f"a modifier of the columns {', '.join(fields)} has no output column",
                where=where,
                todo="name one in output_fields",
            )
    return [
        fields[0] if output is None else output for fields, output in zip(inputs, each, strict=True)
    ]
