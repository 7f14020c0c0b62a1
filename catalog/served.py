"""The versions in a folder of TensorFlow Serving's layout: one directory a version, named by its number."""

from pathlib import Path


def versions(served: Path) -> list[Path]:
    """The versions in the folder `served`, ascending; none if there is no such folder."""
    if not served.is_dir():
        return []
    found = [entry for entry in served.iterdir() if entry.name.isdigit() and entry.is_dir()]
    return sorted(found, key=lambda entry: int(entry.name))


def newest_version(served: Path) -> Path | None:
    """The newest version in the folder `served`, the one that a server loads; None if there is none."""
    return next(reversed(versions(served)), None)
