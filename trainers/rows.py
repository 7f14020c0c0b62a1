"""The rows of a split: Examples decoded once, in id order, each reachable by its number.

Beam writes shards whose names, number and order change from run to run. Training must not: it sees rows by their
number in the order of (id, segment), whatever file they came from. The rows lie uncompressed in memory-mapped files, so
that an epoch costs no inflating, any permutation is cheap and a restart finds its place at once. Memory holds the ids
(of every row, as wide as the longest) and no rows.
"""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import tensorflow as tf

from audio.errors import DaCapoError
from trainers.learner import Arrays, Tensors

_READ_BATCH = 16


class Rows:
    """Decoded examples on disk, sorted by id and segment.

    Attributes
    ----------
    ids : np.ndarray [rows] of str
    segments : np.ndarray [rows], int64
    """

    def __init__(self, folder: str) -> None:
        with open(os.path.join(folder, "rows.json"), encoding="utf-8") as file:
            index = json.load(file)
        ids, segments = np.array(index["ids"], dtype=object), np.array(index["segments"], dtype=np.int64)
        self._position = np.lexsort((segments, ids.astype(str)))
        self.ids, self.segments = ids[self._position].astype(str), segments[self._position]
        self._columns = {
            name: np.memmap(os.path.join(folder, f"{name}.bin"), np.dtype(dtype), "r", shape=(len(ids), *shape))
            for name, (dtype, shape) in index["columns"].items()
        }

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def signature(self) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
        """Dtype and shape of one row of each column."""
        return {name: (column.dtype, column.shape[1:]) for name, column in self._columns.items()}

    def take(self, numbers: np.ndarray, columns: Iterable[str] | None = None) -> Arrays:
        """Rows by number, copied into memory.

        Parameters
        ----------
        numbers : np.ndarray [b], int, each below ``len(self)``
        columns : names; all by default

        Returns
        -------
        the columns, each [b, ...]
        """
        names = self._columns if columns is None else columns
        return {name: self._columns[name][self._position[numbers]] for name in names}

    def labels(self, columns: Iterable[str]) -> Arrays:
        """``id``, ``segment`` and the named columns of all rows."""
        return {"id": self.ids, "segment": self.segments, **self.take(np.arange(len(self)), columns)}


def shards(patterns: Sequence[str]) -> list[str]:
    """The files of Examples that patterns name, sorted."""
    return sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))


def _records(patterns: Sequence[str]) -> tf.data.Dataset:
    files = shards(patterns)
    by_compression = {kind: [f for f in files if f.endswith(".gz") == bool(kind)] for kind in ("GZIP", "")}
    parts = [tf.data.TFRecordDataset(names, compression_type=kind) for kind, names in by_compression.items() if names]
    if not parts:
        raise DaCapoError(f"{', '.join(patterns)}: no files of Examples there")
    return parts[0] if len(parts) == 1 else parts[0].concatenate(parts[1])


def _write(folder: str, batches: Iterable[dict[str, np.ndarray]]) -> None:
    ids: list[str] = []
    segments: list[int] = []
    files: dict[str, BinaryIO] = {}
    columns: dict[str, Any] = {}
    try:
        for batch in batches:
            ids += [value.decode() for value in batch.pop("id")]
            segments += batch.pop("segment").tolist()
            for name, values in batch.items():
                if name not in files:
                    files[name] = open(os.path.join(folder, f"{name}.bin"), "wb")  # noqa: SIM115 (closed below)
                    columns[name] = [values.dtype.str, values.shape[1:]]
                files[name].write(np.ascontiguousarray(values).tobytes())
    finally:
        for file in files.values():
            file.close()
    if len(set(zip(ids, segments, strict=True))) < len(ids):
        raise DaCapoError(f"{len(ids) - len(set(zip(ids, segments, strict=True)))} of {len(ids)} Examples occur twice")
    with open(os.path.join(folder, "rows.json"), "w", encoding="utf-8") as index:
        json.dump({"ids": ids, "segments": segments, "columns": columns}, index)


def open_rows(folder: str, patterns: Sequence[str], read: Callable[[tf.Tensor], Tensors]) -> Rows:
    """The rows in `folder`, decoded from Examples if they are not there yet.

    They are written beside `folder` and renamed, so that a kill leaves no half-written rows and several workers on one
    file system agree on the first that is ready. A machine that fails may leave names without bytes: those are decoded
    again.

    Parameters
    ----------
    folder : local path
    patterns : file patterns of TFRecords, gzip where the name ends in ``.gz``
    read : `trainers.learner.Learner.read`

    Raises
    ------
    DaCapoError
        No files, no Examples, or one that occurs twice.
    """
    rows = _whole(folder)
    if rows is None:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        staging = tempfile.mkdtemp(prefix=os.path.basename(folder) + ".", dir=os.path.dirname(folder))
        try:
            decode = tf.function(read, reduce_retracing=True)
            _write(staging, (_arrays(decode(block)) for block in _records(patterns).batch(_READ_BATCH)))
            os.rename(staging, folder)
            rows = Rows(folder)
        except OSError:
            rows = _whole(folder)
            if rows is None:
                raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    if not len(rows):
        raise DaCapoError(f"{', '.join(patterns)}: no Examples there")
    return rows


def _whole(folder: str) -> Rows | None:
    """The rows that are there, if all of them are; what is there of others is removed.

    Several workers may find the same damage: one moves it away, and what another has put there meanwhile goes back.
    """
    if not os.path.isdir(folder):
        return None
    if (rows := _readable(folder)) is not None:
        return rows
    aside = f"{folder}.{uuid.uuid4().hex}"
    with suppress(OSError):
        os.rename(folder, aside)
        if (rows := _readable(aside)) is not None:
            os.rename(aside, folder)
            return rows
    shutil.rmtree(aside, ignore_errors=True)
    return None


def _readable(folder: str) -> Rows | None:
    try:
        return Rows(folder)
    except (FileNotFoundError, KeyError, ValueError):
        return None


def _arrays(tensors: Tensors) -> Arrays:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
