"""Rows of a Parquet catalog, read a few at a time; the cells hold the same text as in CSV.

A file of a kilobyte can say a megabyte of text in every row: a dictionary holds it once, or each row repeats the one
above it (``DELTA_BYTE_ARRAY``). So columns are read as dictionaries, or row by row where Arrow makes none; the text of
every row is counted, and only then made, for as many rows at a time as hold `PIECE_BYTES`.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.cells import COLUMNS
from catalog.csv_rows import MAX_FIELD, MAX_ROW
from catalog.errors import CatalogError
from catalog.problem import Fault, printable

MAX_BATCH_ROWS = 1024
PIECE_BYTES = 16 << 20
WRITE_ROWS = 4096
MAX_ROW_GROUP_BYTES = 1 << 30
DELTA_ENCODINGS = ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY")
VALUE_BYTES = 8  # that Arrow holds of a value besides its text
UTF8_BYTES = 4  # of a character at most
# Parquet tells a null from an empty text, so it needs no `has_lyrics`.
WRITTEN = tuple(column for column in COLUMNS if column != "has_lyrics")


def read_header(path: Path) -> tuple[dict[str, str], list[str]]:
    """The schema metadata of a Parquet catalog as text and its column names.

    Raises
    ------
    CatalogError
        If the file cannot be read or is not Parquet, a row group claims more than 1 GiB, or a column holds what cannot
        be text.
    """
    with _open(path) as file:
        for group in range(file.metadata.num_row_groups):
            size = _claimed_bytes(file.metadata.row_group(group))
            if size > MAX_ROW_GROUP_BYTES:
                raise CatalogError(
                    f"{path}: row group {group} claims {size} bytes: write groups below {MAX_ROW_GROUP_BYTES}"
                )
        metadata = file.schema_arrow.metadata or {}
        decoded = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in metadata.items()}
        return decoded, list(file.schema_arrow.names)


def read_rows(path: Path) -> Iterator[dict[str, str] | Fault]:
    """Cells by column of every row, or what is wrong with a row that holds something else than text, or too much of it.

    Raises
    ------
    CatalogError
        If the file cannot be read on.
    """
    with _open(path) as file:
        one_by_one = _is_delta_encoded(file.metadata)
        # Row by row every batch would bring all of a dictionary again.
        dictionaries = () if one_by_one else range(file.metadata.num_columns)
    with _open(path, dictionaries) as file:
        try:
            for group in range(file.metadata.num_row_groups):
                rows = 1 if one_by_one else _batch_rows(file.metadata.row_group(group))
                batches = file.iter_batches(batch_size=rows, row_groups=[group])
                for batch in _gathered(batches) if one_by_one else batches:
                    yield from _rows(batch)
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{path}: Parquet cannot be read on: {_first_line(error)}") from error


def write_rows(path: Path, metadata: dict[str, str], rows: Iterator[dict[str, str | None]]) -> None:
    """A Parquet file at `path` with text columns and `metadata` in its schema."""
    schema = pa.schema([pa.field(column, pa.string()) for column in WRITTEN], metadata)
    with pq.ParquetWriter(path, schema) as writer:
        group: list[dict[str, str | None]] = []
        for row in rows:
            group.append({column: row[column] for column in WRITTEN})
            if len(group) == WRITE_ROWS:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group = []
        if group:
            writer.write_table(pa.Table.from_pylist(group, schema))


def _open(path: Path, dictionaries: Sequence[int] = ()) -> pq.ParquetFile:
    """The file; columns of text whose indices are in `dictionaries` are read as such."""
    try:
        file = pq.ParquetFile(path, read_dictionary=list(dictionaries), pre_buffer=False, memory_map=False)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise CatalogError(f"{path}: cannot be read: {os.strerror(error.errno)}") from error
        raise CatalogError(f"{path}: is not a Parquet file: {_first_line(error)}") from error
    for field in file.schema_arrow:
        if field.name in COLUMNS and not _can_be_cells(field):
            file.close()
            raise CatalogError(f'{path}: column "{field.name}" holds {printable(str(field.type))}: want text')
    return file


def _can_be_cells(field: pa.Field) -> bool:
    """Whether the cells of a column are text, or small enough to be looked at one by one."""
    kind = field.type
    if field.name == "tags" and _is_list(kind):
        kind = kind.value_type
    number = pa.types.is_primitive(kind) and not pa.types.is_temporal(kind)  # of which Python knows fewer than Arrow
    return _is_text(kind) or number or pa.types.is_null(kind)


def _claimed_bytes(group: pq.RowGroupMetaData) -> int:
    """What a row group says that it takes in memory."""
    values = sum(group.column(index).num_values for index in range(group.num_columns))
    return int(group.total_byte_size + VALUE_BYTES * values)


def _is_delta_encoded(metadata: pq.FileMetaData) -> bool:
    """Whether a column of text is said to be in an encoding of which Arrow makes no dictionary."""
    groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
    columns = (group.column(index) for group in groups for index in range(group.num_columns))
    return any(encoding in DELTA_ENCODINGS for column in columns for encoding in column.encodings)


def _batch_rows(group: pq.RowGroupMetaData) -> int:
    """Rows that hold `PIECE_BYTES` together, if they are alike."""
    return max(1, min(MAX_BATCH_ROWS, PIECE_BYTES * group.num_rows // max(_claimed_bytes(group), 1)))


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of `PIECE_BYTES`, or of a row that holds more."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= PIECE_BYTES or len(held) == MAX_BATCH_ROWS:
            yield from pa.Table.from_batches(held).combine_chunks().to_batches()
            held, size = [], 0
    if held:
        yield from pa.Table.from_batches(held).combine_chunks().to_batches()


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, str] | Fault]:
    """The rows of a batch; those with too much text are told by their size alone."""
    names = batch.schema.names
    sizes = np.array([_sizes(column) for column in batch.columns])  # bytes [columns, rows]
    too_long = (sizes > UTF8_BYTES * MAX_FIELD).any(axis=0) | (sizes.sum(axis=0) > UTF8_BYTES * MAX_ROW)
    piece = np.cumsum(np.where(too_long, 0, sizes.sum(axis=0))) // PIECE_BYTES
    cuts = np.flatnonzero((np.diff(piece) > 0) | too_long[1:] | too_long[:-1]) + 1
    for start, end in pairwise((0, *cuts.tolist(), batch.num_rows)):
        if too_long[start]:
            yield _too_long(names, sizes[:, start])
            continue
        columns = [_values(column) for column in batch.slice(start, end - start).columns]
        for row in zip(*columns, strict=True):
            yield _cells(names, row)


def _sizes(column: pa.Array) -> np.ndarray:
    """Bytes of the text in every cell, without making it: np.ndarray [rows], int64."""
    kind = column.type
    if _is_list(kind):
        ends = np.append(0, np.cumsum(_sizes(column.values) + 1))  # each with a mark between it and the next
        return np.diff(ends[column.offsets.to_numpy()])
    if pa.types.is_dictionary(kind):
        return np.append(_sizes(column.dictionary), 0)[column.indices.cast(pa.int64()).fill_null(-1).to_numpy()]
    if _is_text(kind):
        return np.asarray(pc.binary_length(column).fill_null(0).to_numpy(), np.int64)
    return np.zeros(len(column), np.int64)


def _too_long(names: Sequence[str], sizes: Iterable[int]) -> Fault:
    for name, size in zip(names, sizes, strict=True):
        if size > UTF8_BYTES * MAX_FIELD:
            return Fault(name, "...", f"has more than {MAX_FIELD} characters")
    return Fault("", "...", f"has more than {MAX_ROW} characters")


def _values(column: pa.Array) -> Sequence[object]:
    # As bytes, since one text that is not UTF-8 would make Arrow refuse the whole batch.
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _values(column.dictionary_decode())
    if _is_list(kind):
        values = iter(_values(column.flatten()))
        lengths = column.value_lengths().to_pylist()
        return [None if length is None else list(islice(values, length)) for length in lengths]
    if _is_text(kind):
        return [_text(value) for value in column.cast(pa.large_binary()).to_pylist()]
    values_as_they_are: Sequence[object] = column.to_pylist()
    return values_as_they_are


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _text(value: bytes | None) -> str | None:
    return value if value is None else value.decode("utf-8", "surrogateescape")


def _cells(names: Sequence[str], row: Sequence[object]) -> dict[str, str] | Fault:
    cells: dict[str, str] = {}
    for name, value in zip(names, row, strict=True):
        if value is None:
            continue
        if isinstance(value, (bool, int)) and name == "has_lyrics":
            value = str(int(value))
        elif isinstance(value, list) and name == "tags" and all(isinstance(tag, str) for tag in value):
            value = "|".join(value)
        elif not isinstance(value, str):
            return Fault(name, str(value)[:100], "is not text")
        if len(value) > MAX_FIELD:
            return Fault(name, value[:100], f"has more than {MAX_FIELD} characters")
        cells[name] = value
    if sum(map(len, cells.values())) > MAX_ROW:
        return Fault("", cells.get("id", ""), f"has more than {MAX_ROW} characters")
    if "has_lyrics" not in names:
        cells["has_lyrics"] = "1" if "lyrics" in cells else "0"
    return cells


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
