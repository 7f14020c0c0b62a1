"""A repository of packages in a folder, in apt's place."""

import shutil
from collections.abc import Mapping
from pathlib import Path


class Shop:
    """Counts what it is asked for."""

    def __init__(self, folder: Path, packages: Mapping[str, Path]) -> None:
        self.folder, self.packages = folder, packages
        self.downloads: list[str] = []

    def newest(self, pattern: str) -> str | None:
        return next((name for name in self.packages if Path(name).match(pattern)), None)

    def download(self, name: str, into: Path) -> Path:
        self.downloads.append(name)
        into.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(self.packages[name], into / f"{name}_1.0_all.deb"))
