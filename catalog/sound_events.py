"""Sound-event data sets in the layout of DESED and AudioSet as a catalog: weak and strong tables beside the clips.

Conventions
-----------
As published (Turpault, Serizel, Salamon, Shah 2019; Hershey et al. 2021): tab-separated tables below ``metadata/``, and
the clips of ``metadata/A/B.tsv`` in ``audio/A/B/`` or, as downloaders leave DESED's, in ``audio/A/``.

* weak: ``filename``, ``event_labels`` (separated by commas);
* strong: ``filename``, ``onset``, ``offset``, ``event_label``, a row for every event, or one with nothing behind the
  file name for a clip without events; AudioSet writes ``segment_id``, ``start_time_seconds``, ``end_time_seconds`` and
  ``label``, names clips without suffix, and tells labels by ids that ``metadata/mid_to_display_name.tsv`` explains;
* tables with other columns hold no labels and are left out and told. A clip that several tables name counts once.
  One of which a row is wrong is left out whole, since without that event it would be labelled wrong.

Tables below ``train`` become train, a tenth of their clips, drawn by the name (clips cut from one video have its id in
theirs, and go together), validation; those below ``validation`` are what the gate judges on (eval), those below
``eval`` and ``test`` are for benchmarks (test). Many a clip is gone from where it was published: rows without audio are
left out and told.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalog.errors import CatalogError
from catalog.places import is_file
from catalog.problem import Fault, Problem, printable
from catalog.published import Imported, Line, Row, read_table, recording_or_problem, write_catalog
from catalog.recording import Event, Split, normalise_tag
from catalog.wording import counted

METADATA, AUDIO = "metadata", "audio"
NAMES = "mid_to_display_name.tsv"
SUFFIXES = ("", ".wav", ".flac", ".mp3", ".ogg", ".m4a")
VALIDATION_SHARE = 0.1
_WEAK = ("filename", "event_labels")
_STRONG = ("filename", "onset", "offset", "event_label")
_AUDIOSET = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
_SECONDS = r"_\d+(?:\.\d+)?"
_VIDEO = re.compile(rf"Y?([\w-]{{11}}){_SECONDS}(?:{_SECONDS})?")
_FOLDERS = {"audioset_strong": "strong_label_real"}
"""Where DESED keeps the clips of a table that is not named as their folder is."""
_SPLITS: Mapping[str, Split] = {"train": "train", "validation": "eval", "eval": "test", "test": "test"}


def import_sound_events(source: str | os.PathLike[str], library: str = "sound-events") -> Imported:
    """Write ``catalog.csv`` into the data set's folder.

    Strong labels become events and tags, weak ones tags.

    Parameters
    ----------
    source : folder of ``metadata`` and ``audio``
    library : name of the library

    Raises
    ------
    CatalogError
        There is no table, none has labels, or no clip is left.
    """
    root = Path(source)
    tables = sorted(path for path in (root / METADATA).rglob("*.tsv") if path.name != NAMES)
    if not tables:
        raise CatalogError(f"{root / METADATA}: holds no table (.tsv)")
    headers = [_header(read_table(table)) for table in tables]
    if not any(_is_weak(header) or _is_strong(header) for header in headers):
        wanted = " or ".join(", ".join(kind) for kind in (_WEAK, _STRONG, _AUDIOSET))
        raise CatalogError(
            f"{tables[0]}: the first line is {', '.join(headers[0]) or 'blank'}; want {wanted}, separated by tabs"
        )
    names = _names(root / METADATA / NAMES)
    return write_catalog(root, library, (row for table in tables for row in _rows(root, table, names)))


def _names(table: Path) -> dict[str, str]:
    """Label by AudioSet's id; empty without the table."""
    if not table.is_file():
        return {}
    return {line.cells[0]: line.cells[1] for line in read_table(table) if len(line.cells) >= 2}


def _header(rows: Iterator[Line]) -> tuple[str, ...]:
    """The cells of the first line, which is taken off `rows`."""
    return tuple(next(rows, Line(0, [])).cells)


def _is_weak(header: tuple[str, ...]) -> bool:
    return header[:2] == _WEAK


def _is_strong(header: tuple[str, ...]) -> bool:
    return header[:4] in (_STRONG, _AUDIOSET)


def _rows(root: Path, table: Path, names: Mapping[str, str]) -> Iterator[Row | Problem]:
    rows = read_table(table)
    header = _header(rows)
    if _is_weak(header):
        clips = _weak(table, rows, names)
    elif _is_strong(header):
        clips = _strong(table, rows, header, names)
    else:
        shown = printable(", ".join(header))
        yield Problem(1, "", shown, "holds no labels: the table is left out", None, table.name)
        return
    folder = table.relative_to(root / METADATA).with_suffix("")
    for clip in clips:
        if isinstance(clip, Problem):
            yield clip
            continue
        line, filename, labels, events = clip
        path = _audio(root, folder, filename)
        if path is None:
            reason = f"is not in {AUDIO}/{folder.as_posix()}"
            yield Problem(line, "path", printable(filename), reason, None, table.name)
            continue
        yield recording_or_problem(
            table,
            line,
            id=_without_suffix(path.removeprefix(f"{AUDIO}/")),
            path=path,
            tags=labels,
            labels=events,
            split=_split(folder, filename),
        )


_Clip = tuple[int, str, tuple[str, ...], tuple[Event, ...]]


def _weak(table: Path, rows: Iterator[Line], names: Mapping[str, str]) -> Iterator[_Clip | Problem]:
    for line in rows:
        if line.fault:
            yield line.problem(table)
            continue
        given = [label.strip() for label in (line.cells[1] if len(line.cells) > 1 else "").split(",")]
        try:
            labels = tuple(_label(label, names) for label in given if label)
        except ValueError as error:
            yield Problem(line.number, _WEAK[1], printable(line.cells[1]), str(error), None, table.name)
            continue
        yield line.number, line.cells[0], labels, ()


def _strong(
    table: Path, rows: Iterator[Line], header: tuple[str, ...], names: Mapping[str, str]
) -> Iterator[_Clip | Problem]:
    """Clips in the order in which the table first names them, and of every other one its first row that is wrong.

    A clip that lost an event would teach that its sound is not there.
    """
    clips: dict[str, tuple[int, list[Event]]] = {}
    wrong: set[str] = set()
    for line in rows:
        filename = line.cells[0]
        _, events = clips.setdefault(filename, (line.number, []))
        if filename in wrong or not (line.fault or any(cell.strip() for cell in line.cells[1:])):
            continue
        event = _event(line, header, names)
        if isinstance(event, Event):
            events.append(event)
            continue
        wrong.add(filename)
        reason = f"{event.reason}; what this table says of {printable(filename)} is left out"
        yield Problem(line.number, event.column, printable(event.value), reason, None, table.name)
    for filename, (number, events) in clips.items():
        if filename not in wrong:
            ordered = tuple(sorted(events, key=lambda event: event[1:]))
            yield number, filename, tuple(dict.fromkeys(event.event for event in ordered)), ordered


def _event(line: Line, header: tuple[str, ...], names: Mapping[str, str]) -> Event | Fault:
    """The event of a row of a strong table, or what is wrong with it."""
    if line.fault:
        return Fault("", line.text, line.fault)
    if len(line.cells) < len(_STRONG):
        reason = f"has {counted(len(line.cells), 'cell')}, but there are four columns"
        return Fault("", line.text, reason)
    onset, offset = times = [_seconds(cell) for cell in line.cells[1:3]]
    for column, cell, time in zip(header[1:3], line.cells[1:3], times, strict=True):
        if not 0 <= time < math.inf:
            return Fault(column, cell, "is not a time in seconds")
    if offset < onset:
        return Fault(header[2], line.cells[2], f"is before {header[1]}, {line.cells[1]}: want start <= end")
    try:
        return Event(_label(line.cells[3], names), onset, offset)
    except ValueError as error:
        return Fault(header[3], line.cells[3], str(error))


def _seconds(cell: str) -> float:
    """The number in a cell; NaN where there is none."""
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _label(label: str, names: Mapping[str, str]) -> str:
    """A label as a tag; ids of AudioSet through `names`.

    Raises
    ------
    ValueError
        It is none; the message goes on where the label stops.
    """
    if '"' in label:
        raise ValueError("holds a quote")
    if label.startswith("/") and label not in names:
        raise ValueError(f"is an id that {METADATA}/{NAMES} does not explain")
    return normalise_tag(names.get(label, label))


def _audio(root: Path, folder: Path, filename: str) -> str | None:
    """Path of a clip relative to `root`; None where there is none, or the name leads elsewhere."""
    if not filename or Path(filename).name != filename:
        return None
    for place in (folder, folder.with_name(_FOLDERS.get(folder.name, folder.name)), folder.parent):
        for suffix in SUFFIXES:
            path = Path(AUDIO) / place / (filename + suffix)
            if is_file(root / path):
                return path.as_posix()
    return None


def _without_suffix(name: str) -> str:
    suffix = Path(name).suffix
    return name.removesuffix(suffix) if suffix in SUFFIXES else name


def _split(folder: Path, filename: str) -> Split | None:
    split = _SPLITS.get(folder.parts[0])
    video = _VIDEO.fullmatch(_without_suffix(filename))
    drawn = video[1] if video else filename
    draw = int.from_bytes(hashlib.sha256(drawn.encode()).digest()[:8], "big") / 2**64
    return "validation" if split == "train" and draw < VALIDATION_SHARE else split
