"""Rows of a Parquet catalog, read a few at a time; the cells hold the same text as in CSV."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.cells import COLUMNS
from catalog.csv_rows import MAX_FIELD
from catalog.errors import CatalogError
from catalog.problem import Fault

BATCH_ROWS = 256
WRITE_ROWS = 4096
MAX_ROW_GROUP_BYTES = 1 << 30
# Parquet tells a null from an empty text, so it needs no `has_lyrics`.
WRITTEN = tuple(column for column in COLUMNS if column != "has_lyrics")


def read_header(path: Path) -> tuple[dict[str, str], list[str]]:
    """The schema metadata of a Parquet catalog as text and its column names.

    Raises
    ------
    CatalogError
        If the file is not Parquet or a row group claims more than 1 GiB.
    """
    with _open(path) as file:
        for group in range(file.metadata.num_row_groups):
            size = file.metadata.row_group(group).total_byte_size
            if size > MAX_ROW_GROUP_BYTES:
                raise CatalogError(
                    f"{path}: row group {group} claims {size} bytes: write groups below {MAX_ROW_GROUP_BYTES}"
                )
        metadata = file.schema_arrow.metadata or {}
        decoded = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in metadata.items()}
        return decoded, list(file.schema_arrow.names)


def read_rows(path: Path) -> Iterator[dict[str, str] | Fault]:
    """Cells by column of every row, or what is wrong with a row that holds something else than text."""
    with _open(path) as file:
        names = list(file.schema_arrow.names)
        try:
            # Arrow fails on a file without row groups, which is what an empty catalog is.
            for batch in file.iter_batches(batch_size=BATCH_ROWS) if file.metadata.num_row_groups else ():
                columns = [_values(batch.column(index)) for index in range(len(names))]
                for row in zip(*columns, strict=True):
                    yield _cells(names, row)
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{path}: Parquet cannot be read on: {str(error).splitlines()[0]}") from error


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


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False, memory_map=False)
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{path}: is not a Parquet file: {str(error).splitlines()[0]}") from error


def _values(column: pa.Array) -> Sequence[object]:
    # As bytes, since one text that is not UTF-8 would make Arrow refuse the whole batch.
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _values(column.dictionary_decode())
    if _is_text(kind):
        return [_text(value) for value in column.cast(pa.binary()).to_pylist()]
    if pa.types.is_list(kind) and _is_text(kind.value_type):
        rows = column.cast(pa.list_(pa.binary())).to_pylist()
        return [row if row is None else [_text(value) for value in row] for row in rows]
    values: Sequence[object] = column.to_pylist()
    return values


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


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
    if "has_lyrics" not in names:
        cells["has_lyrics"] = "1" if "lyrics" in cells else "0"
    return cells
