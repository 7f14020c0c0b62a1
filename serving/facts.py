"""What lies in a model's folder, read without TensorFlow: its description, its digest."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from audio.errors import DaCapoError
from audio.spec import AudioSpec

FACTS = Path("assets.extra", "dacapo.json")


class ModelError(DaCapoError):
    """A folder that holds no model, or one that a scan cannot use."""


class Facts(BaseModel):
    """What a scan reads of ``assets.extra/dacapo.json``.

    Attributes
    ----------
    task, library, profile : name the pipeline that made the model.
    spec : the audio that the model takes: rate, channels, and the longest piece that the gate judged.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    library: str
    profile: str
    spec: AudioSpec


def read_facts(folder: Path) -> Facts:
    """What the model in `folder` says of itself.

    Raises
    ------
    ModelError
        If there is no such folder, no SavedModel in it, or no description beside it.
    """
    if not (folder / "saved_model.pb").is_file():
        raise ModelError(f"{folder}: holds no saved_model.pb, so it is no exported model")
    try:
        return Facts.model_validate_json((folder / FACTS).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{folder / FACTS}: {error.strerror}: the model does not say what audio it takes") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise ModelError(f"{folder / FACTS}: does not describe an exported model") from error


def digest(folder: Path) -> str:
    """SHA-256 of all files of a model with their names, 16 hexadecimal digits."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        whole.update(f"{path.relative_to(folder).as_posix()}\0".encode() + content)
    return whole.hexdigest()[:16]
