"""The schema of a run: the library's ``schema.pbtxt``, completed with what the task and the vocabulary say.

A tag is named once, in ``tags.yaml``; the audio columns are named once, in the task.
"""

import hashlib
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from audio.errors import DaCapoError
from catalog.vocabulary import Vocabulary
from catalog.writing import whole

TAGS = "tags"
LABELS = "labels"
FILES = ("tags.yaml", "gate.yaml", "schema.pbtxt")
EXAMPLE = "debian"


class SchemaError(DaCapoError):
    """A ``schema.pbtxt`` that cannot be read, or a folder that lacks files."""


def check_folder(folder: Path, task: str) -> None:
    """Checks that the files that a library needs for `task` are in `folder`.

    Raises
    ------
    SchemaError
        If one is missing.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise SchemaError(
            f"{folder}: lacks {', '.join(missing)}; begin with a copy of schemas/{task}/{EXAMPLE} "
            "(docs/adding-a-tag.md, A library of your own)"
        )


def load_schema(path: Path, columns: tuple[str, ...], vocabulary: Vocabulary) -> schema_pb2.Schema:
    """Reads a ``schema.pbtxt`` and adds the audio `columns`, ``labels`` and the domain of ``tags``.

    Raises
    ------
    SchemaError
        If the file is missing or is no schema.
    """
    try:
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError as error:
        raise SchemaError(f"{path}: there is no schema; write one after the example of another library") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: {error}") from error
    for column in columns:
        audio = schema.feature.add(name=column, type=schema_pb2.BYTES)
        audio.presence.min_fraction = 1.0
        audio.presence.min_count = 1
        audio.shape.dim.add(size=1)
        audio.image_domain.SetInParent()  # TFDV's word for opaque bytes: no top values of megabytes are kept
    if vocabulary.tags:
        labels = schema.feature.add(name=LABELS, type=schema_pb2.INT)
        labels.presence.min_fraction = 1.0
        labels.presence.min_count = 1
        labels.shape.dim.add(size=len(vocabulary.tags))
        labels.int_domain.min, labels.int_domain.max = 0, 1
        for feature in schema.feature:
            if feature.name == TAGS:
                feature.string_domain.value.extend((*vocabulary.tags, *vocabulary.ignored))
    return schema


def write_schema(schema: schema_pb2.Schema, folder: Path) -> Path:
    """Writes `schema` under a name made of its content, so that TFX, which caches by path, sees every change."""
    text = text_format.MessageToString(schema)
    path = folder / hashlib.sha256(text.encode()).hexdigest()[:16] / "schema.pbtxt"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as file:
            file.write(text)
    return path
