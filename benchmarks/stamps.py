"""By what a kept result knows that its audio is still the same."""

from pathlib import Path

from catalog.recording import Recording


def stamps(root: Path, recording: Recording) -> list[tuple[str, int, int]]:
    """Path, bytes and time of change (ns) of every file of a recording whose paths start from `root`."""
    paths = sorted({path for path in (recording.path, *recording.stems.values()) if path})
    found = [(path, (root / path).stat()) for path in paths]
    return [(path, stat.st_size, stat.st_mtime_ns) for path, stat in found]
