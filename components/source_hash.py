"""The code that a pipeline was compiled from and the code in an image: one hash tells whether they are the same."""

import hashlib
from importlib.metadata import version
from pathlib import Path

from audio.errors import DaCapoError

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = ("audio", "catalog", "components", "pipeline", "schemas", "serving", "trainers")
"""What shapes a graph and its steps, all of which the image holds."""
LIBRARIES = ("tensorflow", "tensorflow-transform", "keras", "tfx", "librosa", "soundfile", "soxr")
"""What shapes the result of every step."""


class CodeDiffers(DaCapoError):
    """A container holds other code than what it was asked to run was made with."""


def source_hash(root: Path = PROJECT) -> str:
    """Hash of all sources, schemas and gates below `root` and of the libraries' versions, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if path.is_file() and "__pycache__" not in relative.parts and not path.name.startswith("."):
                digest.update(f"{relative.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    for library in LIBRARIES:
        digest.update(f"{library}=={version(library)}\0".encode())
    return digest.hexdigest()[:16]
