"""Makes wheels built for glibc 2.39 loadable on an older glibc, or says why that cannot be.

Every extension module of the environment is compared with what this system's libraries offer. Where only symbols of
`EXPECTED` are missing, the module gets a small library beside it that defines them (``glibc_shim.cc``), and the weak
flag on the versions that the system lacks. Any other missing symbol stops the set-up: a module must not fail later, in
the middle of a run. Where nothing is missing (glibc 2.39 and newer), nothing is built or changed.

uv hard-links the environment to its cache, so a module is never changed in place: a copy of it is, which then replaces
it.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from setup.elf import MAGIC, SharedObject, weaken
from setup.steps import SetupError, Steps

SHIM_NAME = "libtfx_glibc_shim.so"
SHIM_SOURCE = Path(__file__).with_name("glibc_shim.cc")
EXPECTED = frozenset(
    {
        ("__isoc23_strtol", "GLIBC_2.38"),
        ("__isoc23_strtoll", "GLIBC_2.38"),
        ("__isoc23_strtoul", "GLIBC_2.38"),
        ("__isoc23_strtoull", "GLIBC_2.38"),
        ("_ZSt21ios_base_library_initv", "GLIBCXX_3.4.32"),
        ("__cxa_call_terminate", "CXXABI_1.3.15"),
    }
)
# Libraries of the system: every version that a module needs of one of these must be offered by it.
SYSTEM_LIBRARIES = (
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
)
# Prints the files that the loader takes for the libraries named as arguments.
ASK_THE_LOADER = """
import ctypes, sys
for name in sys.argv[1:]:
    ctypes.CDLL(name)
print(*sorted({line.split(maxsplit=5)[5] for line in open("/proc/self/maps") if ".so" in line}), sep="", end="")
"""


@dataclass(frozen=True, order=True)
class Missing:
    """A version that a module needs and the system's `library` lacks; `symbol` is bound to it (empty if none is)."""

    library: str
    version: str
    symbol: str


@dataclass(frozen=True)
class Tools:
    """Programs that build the shim and add it to a module."""

    compiler: Path
    patchelf: Path


def offered_versions(steps: Steps, python: Path) -> dict[str, frozenset[str]]:
    """Versions that each of the system's libraries defines, by its soname, as a process of `python` loads them.

    Raises
    ------
    SetupError
        If one of the libraries is not there.
    """
    said = steps.run(
        [python, "-I", "-c", ASK_THE_LOADER, *SYSTEM_LIBRARIES],
        failure="the C++ runtime libraries cannot be loaded (Debian, Ubuntu: apt install libstdc++6 libgcc-s1)",
    )
    libraries = [SharedObject(Path(path)) for path in said.splitlines()]
    return {lib.soname: lib.defined_versions for lib in libraries if lib.soname in SYSTEM_LIBRARIES}


def modules(site_packages: Path) -> Iterator[Path]:
    """Extension modules and libraries of the installed packages, in order of path."""
    for folder, folders, names in os.walk(site_packages):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if re.search(r"\.so(\.\d+)*$", name) and name != SHIM_NAME and not path.is_symlink() and _is_elf(path):
                yield path


def missing(module: SharedObject, offered: Mapping[str, frozenset[str]]) -> frozenset[Missing]:
    """What `module` needs of the libraries in `offered` (their versions by soname) and they lack."""
    found = set()
    for need in module.needed_versions:
        if need.library not in offered or need.version in offered[need.library]:
            continue
        bound = [s for s in module.symbols if not s.defined and s.version_index == need.index]
        # With a weak need, the loader refuses nothing, and an undefined weak symbol may stay undefined.
        names = [s.name for s in bound if not (need.weak and s.weak)]
        if not bound and not need.weak:
            names = [""]
        found |= {Missing(need.library, need.version, name) for name in names}
    return frozenset(found)


def is_supplied(module: SharedObject, lacks: frozenset[Missing]) -> bool:
    """Whether the shim that `module` already loads defines all that it `lacks`."""
    shim = module.path.with_name(SHIM_NAME)
    if SHIM_NAME not in module.needed_libraries or not shim.is_file():
        return False
    versions = {(lack.library, lack.version) for lack in lacks}
    weak = {(need.library, need.version) for need in module.needed_versions if need.weak}
    defined = {symbol.name for symbol in SharedObject(shim).symbols if symbol.defined}
    return versions <= weak and {lack.symbol for lack in lacks} <= defined


def supply(
    steps: Steps,
    site_packages: Path,
    offered: Mapping[str, frozenset[str]],
    tools: Tools,
    *,
    expected: frozenset[tuple[str, str]] = EXPECTED,
    source: Path = SHIM_SOURCE,
) -> tuple[int, int]:
    """Gives the shim to every module below `site_packages` that needs it; a second call changes nothing.

    Returns
    -------
    Modules that need the shim, and how many of them got it in this call.

    Raises
    ------
    SetupError
        If a module needs a version that neither the system nor the shim (`expected`: symbol, version) offers; nothing
        is changed then. Also if the shim cannot be built.
    """
    lacking = {}
    for path in modules(site_packages):
        module = SharedObject(path)
        if lacks := missing(module, offered):
            lacking[path] = lacks
            for lack in sorted(lacks):
                if (lack.symbol, lack.version) not in expected:
                    raise SetupError(
                        f"{path.relative_to(site_packages)} needs {lack.symbol or 'a symbol'} of {lack.version}, which "
                        f"neither {lack.library} here nor setup/glibc_shim.cc offers: use a newer system (Debian 13, "
                        "Ubuntu 24.04), or extend the shim"
                    )
    unsupplied = {path: lacks for path, lacks in lacking.items() if not is_supplied(SharedObject(path), lacks)}
    for path, lacks in unsupplied.items():
        _add_shim(steps, path, lacks, tools, source)
    return len(lacking), len(unsupplied)


def _add_shim(steps: Steps, path: Path, lacks: frozenset[Missing], tools: Tools, source: Path) -> None:
    """Builds the shim beside the module at `path`, then replaces the module by a changed copy."""
    shim = path.with_name(SHIM_NAME)
    partial = shim.with_suffix(".partial")
    build: list[str | Path] = [
        tools.compiler,
        "-O2",
        "-shared",
        "-fPIC",
        "-fvisibility=hidden",
        f"-Wl,-soname,{SHIM_NAME}",
    ]
    steps.run([*build, "-o", partial, source], failure="the glibc shim could not be compiled")
    os.replace(partial, shim)
    copy = path.with_name(f"{path.name}.partial")
    shutil.copy2(path, copy)
    if SHIM_NAME not in SharedObject(copy).needed_libraries:
        steps.run(
            [tools.patchelf, "--add-rpath", "$ORIGIN", "--add-needed", SHIM_NAME, copy],
            failure=f"the glibc shim could not be added to {path.name}",
        )
    weaken(copy, {(lack.library, lack.version) for lack in lacks})
    if not is_supplied(SharedObject(copy), lacks):
        raise SetupError(f"the glibc shim does not define all that {path.name} lacks: {sorted(lacks)}")
    os.replace(copy, path)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
