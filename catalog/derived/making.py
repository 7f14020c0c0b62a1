"""Takes are made once: each has a mark beside it that says what it was made of, and is kept while that holds."""

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from audio.errors import AudioError, DaCapoError
from audio.ffmpeg import ffmpeg_release
from catalog.format import Catalog
from catalog.recording import Recording
from catalog.worker import start_worker, worker_pool
from catalog.writing import whole

Result = dict[str, object]


class Take(Protocol):
    """An excerpt of a recording, or a recording that stays as it is."""

    @property
    def source(self) -> Recording:
        """The recording."""
        ...

    @property
    def name(self) -> str:
        """Name of its files, without suffix."""
        ...


T = TypeVar("T", bound=Take)


class Maker(ABC, Generic[T]):
    """Makes the takes of a library; sent to the workers.

    Parameters
    ----------
    catalog : of the sources
    folder : of the takes, beside the catalog
    code : hash of the code that makes them (`catalog.derived.code`)
    """

    def __init__(self, catalog: Catalog, folder: str, code: str) -> None:
        self.catalog, self.folder, self.code = catalog, folder, code

    @abstractmethod
    def facts(self, take: T) -> list[object]:
        """All that the bytes of a take depend on besides the code and the files in `inputs`."""

    @abstractmethod
    def write(self, take: T) -> Result:
        """Write the files of a take, if it has any, and say what its row has to know.

        Raises
        ------
        DaCapoError
            The take cannot be made.
        """

    @abstractmethod
    def paths(self, take: T) -> dict[str, str]:
        """The files of a take, relative to the catalog's folder, by what they hold; of a recording that stays as it is
        none.
        """

    @abstractmethod
    def row(self, take: T, result: Result) -> Recording:
        """The row of a take that was made."""

    def inputs(self, take: T) -> list[Path]:
        """The files that it is made of, the source first."""
        return [self.catalog.root / take.source.path]

    def mark(self, take: T) -> Path:
        """What is written last of a take."""
        return self.catalog.root / self.folder / f"{take.name}.json"

    def key(self, take: T) -> str:
        """Of everything that the bytes of a take depend on."""
        facts = [self.code, take.source.path, *self.facts(take)]
        for status in (path.stat() for path in self.inputs(take)):
            facts += [status.st_size, status.st_mtime_ns]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _readers(self, take: T) -> list[object]:
        """What a file that could not be read may be read with: ffmpeg, and the right to."""
        return [ffmpeg_release(), *(os.access(path, os.R_OK) for path in self.inputs(take))]

    def known(self, take: T) -> Result | None:
        """What an earlier build said of the take, if that still holds."""
        try:
            result: Result = json.loads(self.mark(take).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if "left_out" in result:
            there = result.get("readers") == self._readers(take)
        else:
            there = all((self.catalog.root / path).is_file() for path in self.paths(take).values())
        return result if there and result.get("key") == self.key(take) else None

    def make(self, take: T) -> Result:
        """Make a take, or say under ``left_out`` why that cannot be.

        What is wrong with a file in `inputs` stays said while the file is as it is, and what reads it. Any other
        failure leaves no mark: the next build tries again.

        Raises
        ------
        AudioError
            The take's own files cannot be written.
        OSError
            The disk is full.
        """
        mark = self.mark(take)
        result: Result = {"key": self.key(take)}
        mark.unlink(missing_ok=True)
        try:
            result |= self.write(take)
        except AudioError as error:
            source, *others = self.inputs(take)
            if Path(error.path) not in (source, *others):
                raise
            reason = error.reason if Path(error.path) == source else error
            result |= {"left_out": f"{take.source.path}: {reason}", "readers": self._readers(take)}
        except DaCapoError as error:
            return result | {"left_out": f"{take.source.path}: {error}"}
        with whole(mark) as file:
            file.write(json.dumps(result))
        return result


def make_all(
    maker: Maker[T],
    takes: Sequence[T],
    known: Sequence[Result | None],
    workers: int,
    progress: Callable[[int, int], None],
) -> list[Result]:
    """What is said of every take; those that are not `known` are made.

    Raises
    ------
    WorkerKilledError
        A worker was killed; what was made until then is kept.
    AudioError
        A take cannot be written.
    OSError
        The disk is full.
    """
    results = {number: result for number, result in enumerate(known) if result is not None}
    missing = [number for number in range(len(takes)) if number not in results]
    if missing:
        with worker_pool(workers, _start_worker) as pool:
            futures = {pool.submit(maker.make, takes[number]): number for number in missing}
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                progress(len(results), len(takes))
    return [results[number] for number in range(len(takes))]


def _start_worker() -> None:
    """`start_worker`, without a word from libmpg123 about every bad frame."""
    start_worker()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
